package config

import _ "embed"

// Schema is the JSON Schema of the configuration file, for editors. The parser
// is stricter: it also knows the names of the rules and the reasons.
//
//go:embed schema.json
var Schema []byte
