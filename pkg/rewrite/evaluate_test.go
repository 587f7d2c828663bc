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

func TestEvaluator(t *testing.T) {
	tests := []struct {
		file, text string
		want       []string // the paths that it writes
	}{
		{"s.js", `fs.mkdirSync(path.join(__dirname, '..', "data"))`, []string{"/app/data"}},
		{"s.js", "const d = `${__dirname}/up`;\nmulter({ dest: d })", []string{"/app/src/up"}},
		{"s.js", `const d = process.env.HOMELESS ?? (__dirname + '/up'); fs.mkdirSync(d)`, []string{"/app/src/up"}},
		{"s.js", `const d = process.env.SET || path.join(__dirname, 'up'); fs.mkdirSync(d)`, nil},
		{"s.js", `fs.mkdirSync(path.join(__dirname, name))`, nil},
		{"s.js", `let d = path.join(__dirname, 'a'); d = other(); fs.mkdirSync(d)`, nil},
		{"s.js", `fs.writeFileSync(path.resolve('out', 'x.json'), fs.readFileSync(path.join(__dirname, 'y.html')))`, []string{"/app/out/x.json"}},
		{"s.js", `fs.mkdirSync(path.dirname(fileURLToPath(import.meta.url)))`, nil},
		{"s.js", `express.static(path.join(__dirname, 'public'))`, nil},
		{"s.py", "D = Path(__file__).resolve().parents[1] / 'var'\nD.mkdir(parents=True)", []string{"/app/var"}},
		{"s.py", `UPLOAD_FOLDER = os.environ.get("NO", os.path.join(os.path.dirname(os.path.abspath(__file__)), "up"))`, []string{"/app/src/up"}},
		{"s.py", `URI = config("NO", default="sqlite:///" + str(Path(__file__).parent / "x.db"))`, []string{"/app/src/x.db"}},
		{"s.py", "base = os.path.dirname(__file__)\nURI = f'sqlite:///{base}/x.db'", []string{"/app/src/x.db"}},
		{"s.py", "UPLOAD_FOLDER = os.path.join(\n    os.getcwd(),\n    'static', 'up',\n)", []string{"/app/static/up"}},
		{"s.py", `with open(os.path.join(os.path.dirname(__file__), "out"), "w") as f:`, []string{"/app/src/out"}},
		{"s.py", `STATICFILES_DIRS = [Path(__file__).parent / "static"]`, nil},
		{"s.js", `fs.writeFileSync(path.join(__dirname, '../up', name), body)`, []string{"/app/up"}},
		{"s.js", `fs.rename(tmp, path.join(__dirname, '../up/x.bin'), done)`, []string{"/app/up/x.bin"}},
		{"s.js", `fs.copyFileSync(path.join(__dirname, '../in/x.bin'), target)`, nil},
		{"s.ts", `fs.mkdirSync(path.join(process.cwd(), 'data'))`, []string{"/app/data"}},
		{"s.ts", `fs.mkdirSync(path.join(__dirname, 'data'))`, nil},
		{"s.js", "fs.mkdirSync(" + strings.Repeat("(", 400), nil},
		{"s.js", "fs.mkdirSync(`${`${`${", nil},
		{"s.py", `makedirs("\`, nil},
	}
	doc, err := dockerfile.Parse([]byte("FROM scratch\n"))
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range tests {
		env := doc.Resolver(nil, "linux/amd64").Env([]string{"SET=https://example.com"})
		p := &Pass{Image: &content.Image{Doc: doc, Context: fstest.MapFS{}, End: &simulate.State{Workdir: "/app", Env: env}}, Entry: &entry.Entry{}, opts: &Options{}}
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
