package programs

import (
	"io/fs"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

func TestFrameworksIn(t *testing.T) {
	file := func(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text)} }
	tests := []struct {
		name string
		fsys fstest.MapFS
		want []string
	}{
		{"empty", fstest.MapFS{}, nil},
		{"rails", fstest.MapFS{"Gemfile": file("source 'x'\ngem \"rails\", \"~> 7\"\n")}, []string{"Rails"}},
		{"rails by its own script", fstest.MapFS{"bin/rails": file("#!/usr/bin/env ruby")}, []string{"Rails"}},
		{"sinatra", fstest.MapFS{"Gemfile": file(`gem "sinatra"`)}, nil},
		{"rails-like gem", fstest.MapFS{"Gemfile": file(`gem "rails-i18n"`)}, nil},
		{"laravel", fstest.MapFS{"artisan": file("#!/usr/bin/env php"), "composer.json": file(`{"require": {"laravel/framework": "^11"}}`)}, []string{"Laravel"}},
		{"a directory named artisan", fstest.MapFS{"artisan/x": file("")}, nil},
		{"symfony", fstest.MapFS{"bin/console": file("#!/usr/bin/env php")}, []string{"Symfony"}},
		{"django", fstest.MapFS{"manage.py": file("os.environ.setdefault('DJANGO_SETTINGS_MODULE', 'x')")}, []string{"Django"}},
		{"another manage.py", fstest.MapFS{"manage.py": file("from flask_script import Manager")}, nil},
		{"next", fstest.MapFS{"next.config.mjs": file("export default {}")}, []string{"Next.js"}},
		{"next by its dependency", fstest.MapFS{"package.json": file(`{"dependencies": {"next": "15"}}`)}, []string{"Next.js"}},
		{"next as another word", fstest.MapFS{"package.json": file(`{"dependencies": {"next-auth": "4"}}`)}, nil},
		{"wordpress", fstest.MapFS{"wp-config-sample.php": file("<?php")}, []string{"WordPress"}},
		{"drupal", fstest.MapFS{"composer.json": file(`{"require": {"drupal/core-recommended": "^11"}}`)}, []string{"Drupal"}},
		{"spring", fstest.MapFS{"pom.xml": file("<artifactId>spring-boot-starter-parent</artifactId>")}, []string{"Spring Boot"}},
		{"phoenix", fstest.MapFS{"mix.exs": file("{:phoenix, \"~> 1.7\"}")}, []string{"Phoenix"}},
		{"two at once", fstest.MapFS{"Gemfile": file("gem 'rails'"), "package.json": file(`{"dependencies":{"next": "15"}}`)}, []string{"Rails", "Next.js"}},
		{"a marker beyond what is read", fstest.MapFS{"Gemfile": file(strings.Repeat(" ", maxMarker) + "gem 'rails'")}, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var got []string
			for _, f := range FrameworksIn(test.fsys) {
				got = append(got, f.Name)
			}
			if !slices.Equal(got, test.want) {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
	if FrameworksIn(nil) != nil {
		t.Error("no context has a framework")
	}
}

func TestFrameworksAreComplete(t *testing.T) {
	names := map[string]bool{}
	for _, f := range Frameworks() {
		if names[f.Name] {
			t.Errorf("%s is there twice", f.Name)
		}
		names[f.Name] = true
		checkSources(t, f.Sources)
		if len(f.markers) == 0 || len(f.Commands) == 0 {
			t.Errorf("%s cannot be recognised or served", f.Name)
		}
		for _, m := range f.markers {
			if _, err := fs.Glob(fstest.MapFS{}, m.glob); err != nil {
				t.Errorf("%s: %q: %v", f.Name, m.glob, err)
			}
		}
		for _, c := range f.Commands {
			if p, ok := Lookup(c); !ok || p.Name != c {
				t.Errorf("%s: the command %q is not a name of the table", f.Name, c)
			}
		}
		for _, p := range f.State {
			if !fs.ValidPath(p.Path) || p.Path == "." {
				t.Errorf("%s: %q does not stay in the application", f.Name, p.Path)
			}
		}
	}
}
