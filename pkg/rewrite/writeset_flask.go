package rewrite

import (
	"fmt"
	"path"
	"regexp"
	"strings"
)

// flaskInstance matches sources that use Flask's instance folder, which Flask-SQLAlchemy makes
// for databases with relative paths since its version 3.
var flaskInstance = regexp.MustCompile(`\binstance_(?:path|relative_config)\b|\bflask_sqlalchemy\b`)

// noteInstance keeps the instance folder of an application that a source makes: it lies beside
// the module, or beside the outermost package that the module is in
// (flask.palletsprojects.com/en/stable/config/#instance-folders).
func (p *Pass) noteInstance(s source) {
	at := flaskInstance.FindStringIndex(s.text)
	if at == nil || s.image == "" || len(p.memo.placed) >= maxLiterals {
		return
	}
	dir := path.Dir(s.image)
	for dir != "/" && p.CopiedFile(path.Join(dir, "__init__.py")) != nil {
		dir = path.Dir(dir)
	}
	by := fmt.Sprintf("instance folder of Flask, %s:%d", s.name, 1+strings.Count(s.text[:at[0]], "\n"))
	p.memo.placed = append(p.memo.placed, placedPath{toldPath: toldPath{path: path.Join(dir, "instance"), dir: true, by: by}})
}
