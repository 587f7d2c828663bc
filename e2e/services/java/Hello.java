import com.sun.net.httpserver.HttpServer;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/** Keeps a journal of its visitors in the volume /data. */
public class Hello {
    public static void main(String[] args) throws Exception {
        Path journal = Path.of("/data/journal");
        HttpServer server = HttpServer.create(new InetSocketAddress(8080), 0);
        server.createContext("/", exchange -> {
            Files.writeString(journal, exchange.getRequestURI() + "\n", StandardOpenOption.CREATE, StandardOpenOption.APPEND);
            byte[] body = ("hello " + Files.readAllLines(journal).size() + " from java\n").getBytes();
            exchange.sendResponseHeaders(200, body.length);
            exchange.getResponseBody().write(body);
            exchange.close();
        });
        server.start();
    }
}
