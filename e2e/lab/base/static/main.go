// A small HTTP server for images without a shell.
package main

import (
	"fmt"
	"log"
	"net/http"
	"os"
)

func main() {
	http.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, "hello from %d:%d\n", os.Getuid(), os.Getgid())
	})
	log.Fatal(http.ListenAndServe(":8080", nil))
}
