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

func TestRelativePaths(t *testing.T) {
	tests := []struct {
		file, text string
		want       []string // the paths that it writes
	}{
		{"s.js", `const db = new Database('./up/app.sqlite')`, []string{"/app/up/app.sqlite"}},
		{"s.js", `fs.copyFileSync('up/default.yml', 'up/local.yml')`, []string{"/app/up/local.yml"}},
		{"s.js", "const C = process.env.C || 'up/local.yml'\nfs.writeFileSync(C, text)", []string{"/app/up/local.yml"}},
		{"s.js", `fs.renameSync(req.file.path, 'up/' + req.file.originalname)`, []string{"/app/up"}},
		{"s.js", "fs.createWriteStream(`./up/${name}`)", []string{"/app/up"}},
		{"s.js", `require('multer').diskStorage({ destination: (req, file, cb) => { cb(null, './up') } })`, []string{"/app/up"}},
		{"s.js", `multer({ dest: 'up/in/' })`, []string{"/app/up/in"}},
		{"s.js", `new winston.transports.File({ level: 'x/y', filename: './up/error.log' })`, []string{"/app/up/error.log"}},
		{"s.js", `rfs.createStream('up/access.log', { path: 'up/log' })`, []string{"/app/up/log"}},
		{"s.ts", `const file: string = 'up/x.json'; await fs.promises.writeFile(file, "up/y")`, []string{"/app/up/x.json"}},
		{"s.py", `with open("up/x", "w") as f: f.write(open("up/y").read())`, []string{"/app/up/x"}},
		{"s.py", `sqlite3.connect("up/app.db")`, []string{"/app/up/app.db"}},
		{"s.py", `app.config['UPLOAD_FOLDER'] = 'up/in'`, []string{"/app/up/in"}},
		{"s.py", `Path("up/in").mkdir(parents=True)`, []string{"/app/up/in"}},
		{"s.py", `f.save(os.path.join("up/in", f.filename))`, []string{"/app/up/in"}},
		{"s.py", `URL = "sqlite:///./up/app.db"`, []string{"/app/up/app.db"}},
		// What is read, what is made in the working directory itself, and what is of a build.
		{"s.js", `fs.writeFileSync(out, fs.readFileSync('up/y.html'))`, nil},
		{"s.js", `fs.writeFile(name, body, { 'content-type': 'up/json' })`, nil},
		{"s.js", `fs.mkdirSync('made/by/itself')`, nil},
		{"s.js", `cb(null, './up')`, nil},
		{"s.py", `url_for('static', filename='up/x.css')`, nil},
		{"s.py", `open("up/y", "rb")`, nil},
		{"scripts/build.js", `fs.writeFileSync('up/x.json', '')`, nil},
		{"s.js", "fs.writeFileSync(" + strings.Repeat("{[(", 300) + "'up/x'", nil},
	}
	doc, err := dockerfile.Parse([]byte("FROM scratch\nWORKDIR /app\nCOPY . .\n"))
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range tests {
		in := doc.Stages[0].Instructions[1]
		end := &simulate.State{Workdir: "/app", Env: doc.Resolver(nil, "linux/amd64").Env(nil), Copies: []simulate.Copy{{By: in, Sources: []string{"."}, Dest: "/app/", Into: true}}}
		p := &Pass{Image: &content.Image{Doc: doc, End: end, Context: fstest.MapFS{"up/y": {}}}, Stage: doc.Stages[0], Entry: &entry.Entry{}, opts: &Options{}}
		p.readPlaces(source{name: test.file, image: "/app/src/" + test.file, text: test.text})
		var got []string
		for _, w := range p.memo.placed {
			got = append(got, w.path)
		}
		if !slices.Equal(got, test.want) {
			t.Errorf("%s: got %q, want %q", test.text, got, test.want)
		}
	}
}
