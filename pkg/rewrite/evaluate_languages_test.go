package rewrite

import (
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/dockharden/harden/internal/dockerfile"
	"github.com/dockharden/harden/pkg/rewrite/internal/content"
	"github.com/dockharden/harden/pkg/rewrite/internal/entry"
	"github.com/dockharden/harden/pkg/rewrite/internal/simulate"
)

func TestLanguages(t *testing.T) {
	tests := []struct {
		file, text string
		want       []string // the paths that it writes
	}{
		{"s.php", `file_put_contents(__DIR__ . "/up/counter.txt", "1\n", FILE_APPEND) ? "ok" : "FAIL";`, []string{"/app/src/up/counter.txt"}},
		{"s.php", `$lock = fopen(__DIR__.'/../up/worker.lock','c'); if(!$lock) exit(1);`, []string{"/app/up/worker.lock"}},
		{"s.php", `$f = dirname(__DIR__) . '/up/x.log';` + "\nfile_put_contents($f, $text);", []string{"/app/up/x.log"}},
		{"s.php", `touch(dirname(__FILE__, 2) . '/up/x');`, []string{"/app/up/x"}},
		{"s.php", "define('ROOT', __DIR__);\nmkdir(ROOT . '/up/cache', 0755, true);", []string{"/app/src/up/cache"}},
		{"s.php", "private $dir = __DIR__ . '/up';\nfile_put_contents($this->dir . '/x.json', $x);\ntouch(\"{$this->dir}/z\");", []string{"/app/src/up/x.json", "/app/src/up/z"}},
		{"s.php", "const FILE = __DIR__ . '/up/x';\nfopen(self::FILE, 'a');", []string{"/app/src/up/x"}},
		{"s.php", `echo move_uploaded_file($_FILES['f']['tmp_name'],'../up/'.basename($_FILES['f']['name']))?'ok':'FAIL';`, []string{"/app/up"}},
		{"s.php", `$pdo = new PDO("sqlite:" . __DIR__ . "/up/app.db");`, []string{"/app/src/up/app.db"}},
		{"s.php", `$log = fopen(getenv('NO') ?: '/var/log/w/worker.log', 'a');`, []string{"/var/log/w/worker.log"}},
		{"s.php", `$log->pushHandler(new StreamHandler(__DIR__ . '/up/app.log', Logger::DEBUG));`, []string{"/app/src/up/app.log"}},
		{"s.rb", `File.write('/var/run/worker.pid', Process.pid)`, []string{"/var/run/worker.pid"}},
		{"s.rb", `File.open("up/x", "w") { |f| f.puts File.read("up/y") }`, []string{"/app/up/x"}},
		{"s.rb", `FileUtils.mkdir_p File.join(__dir__, '..', 'up', 'in')`, []string{"/app/up/in"}},
		{"s.rb", "ROOT = File.expand_path('..', __dir__)\n$log = Logger.new(\"#{ROOT}/up/w.log\", 'daily')", []string{"/app/up/w.log"}},
		{"s.rb", "PATH = ENV.fetch('NO', File.join(__dir__, '..', 'up', 'q.pstore'))\n@p = PStore.new(PATH)", []string{"/app/up/q.pstore"}},
		{"s.pl", `mkdir "up/in" or -d "up/in" or die "mkdir: $!";`, []string{"/app/up/in"}},
		{"s.pl", `open(my $l, '>>', '/var/log/bot.log') or die "log: $!"; print $l "start\n"; close $l;`, []string{"/var/log/bot.log"}},
		{"s.pl", `open my $fh, '>:encoding(UTF-8)', 'up/x.txt' or die;`, []string{"/app/up/x.txt"}},
		{"s.pl", `open(LOG, ">>/srv/out/x.log");`, []string{"/srv/out/x.log"}},
		{"s.pl", "my $dir = \"$FindBin::Bin/../up\";\nmake_path(\"$dir/compiled\");", []string{"/app/up/compiled"}},
		{"s.pl", `DBI->connect("dbi:SQLite:dbname=up/app.db","","");`, []string{"/app/up/app.db"}},
		{"S.java", "static final Path UP = Paths.get(\"/srv/uploads\");\nFiles.createDirectories(UP);", []string{"/srv/uploads"}},
		{"S.java", `try(FileWriter w=new FileWriter("/var/log/app.log", true)){w.write("s\n");}`, []string{"/var/log/app.log"}},
		{"S.java", `Files.write(Path.of("/data", "out").resolve("u.txt"), bytes);`, []string{"/data/out/u.txt"}},
		{"S.java", `new File("/var/x/y").mkdirs();`, []string{"/var/x/y"}},
		{"S.java", "private static final String DIR = \"/data/in/\";\nfile.transferTo(new File(DIR + file.getOriginalFilename()));", []string{"/data/in"}},
		{"S.java", `Connection c = DriverManager.getConnection("jdbc:sqlite:/data/app.db");`, []string{"/data/app.db"}},
		{"S.java", `DriverManager.getConnection("jdbc:h2:file:up/app;AUTO_SERVER=TRUE");`, []string{"/app/up/app"}},
		{"S.java", "@Value(\"${app.upload-dir:/opt/uploads}\")\nprivate String dir;\nFiles.createDirectories(Paths.get(dir));", []string{"/opt/uploads"}},
		{"S.java", "S(@Value(\"${out:/data/out}\") String out) { this.root = Paths.get(out); }\nFiles.createDirectory(this.root);", []string{"/data/out"}},
		{"S.java", `@Value("${in:/data/in}") private String in; Files.readString(Path.of(in));`, nil},
		{"S.kt", `val f = File("/data/out/x.txt"); f.writeText("x"); File("$dir/x").writeText("")`, []string{"/data/out/x.txt"}},
		{"s.lua", `local f = io.open("/srv/x/x.txt", "a")`, []string{"/srv/x/x.txt"}},
		{"s.erl", `{ok,_} = dets:open_file(t, [{file, "up/store.dets"}]),`, []string{"/app/up/store.dets"}},
		{"s.erl", `ok = file:write_file("/srv/out/srv.log", <<"start\n">>, [append]),`, []string{"/srv/out/srv.log"}},
		{"s.ex", `File.write!("/data/x.json", text)`, []string{"/data/x.json"}},

		// What is put behind something of which nothing is known, and what is only read.
		{"s.php", `file_put_contents($base . "/data/x", $y);`, nil},
		{"s.php", `file_put_contents($_SERVER["DOCUMENT_ROOT"]."/data/x", $y);`, nil},
		{"s.php", `echo file_get_contents(__DIR__ . '/up/x'); fopen(__DIR__ . '/up/x', 'r');`, nil},
		{"s.php", `rename(__DIR__ . '/up/x', $to);`, nil},
		{"s.php", `file_put_contents('/tmp/x/y', $z); fopen('php://memory', 'w');`, nil},
		{"s.php", `file_put_contents("$dir/up/x", $y);`, nil},
		{"s.py", `open(BASE + "/data/x", "w")`, nil},
		{"s.py", `open(os.path.dirname(__file__) + "/data/x", "w")`, []string{"/app/src/data/x"}},
		{"s.js", `fs.writeFileSync(base() + '/data/x', y)`, nil},
		{"s.js", `fs.writeFileSync(path.join(base, '/data/x'), y)`, nil},
		{"s.js", "fs.writeFileSync(base +\n  '/data/x.json', y)", nil},
		{"s.rb", `File.write(root + "/data/x", y)`, nil},
		{"s.rb", `File.read("/data/x"); File.open("up/x"); File.exist?("/data/x")`, nil},
		{"s.pl", `open(my $f, '<', 'up/y'); open(my $g, '>', $dir . '/data/x');`, nil},
		{"S.java", `new FileReader("/data/x"); Files.readString(Path.of("/data/x")); new FileWriter(dir + "/data/x");`, nil},
		{"S.java", `new File("/data/x").exists(); getConnection("jdbc:h2:mem:test")`, nil},
		{"s.lua", `io.open(dir .. "/data/x", "w"); io.open("/data/y")`, nil},
		{"s.php", "touch(" + strings.Repeat("(", 400), nil},
		{"s.php", `touch("{${$`, nil},
		{"s.rb", `FileUtils.touch "#{`, nil},
	}
	doc, err := dockerfile.Parse([]byte("FROM scratch\nWORKDIR /app\nCOPY . .\n"))
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range tests {
		in := doc.Stages[0].Instructions[1]
		end := &simulate.State{Workdir: "/app", Env: doc.Resolver(nil, "linux/amd64").Env(nil), Copies: []simulate.Copy{{By: in, Sources: []string{"."}, Dest: "/app/", Into: true}}}
		p := &Pass{Image: &content.Image{Doc: doc, End: end, Context: fstest.MapFS{"up/y": {}, "src/up/y": {}}}, Stage: doc.Stages[0], Entry: &entry.Entry{}, opts: &Options{}}
		s := source{name: test.file, image: "/app/src/" + test.file, text: test.text}
		p.readPlaces(s)
		if named.MatchString(s.name) {
			p.readLiterals(s)
		}
		var got []string
		for _, w := range p.memo.placed {
			got = append(got, w.path)
		}
		for _, w := range p.memo.literals {
			if w.writes {
				got = append(got, w.path)
			}
		}
		if !slices.Equal(got, test.want) {
			t.Errorf("%s: %s: got %q, want %q", test.file, test.text, got, test.want)
		}
	}
}
