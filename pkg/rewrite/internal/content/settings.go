package content

import "regexp"

// MaxSettings bounds how many settings of one kind are taken from a file.
const MaxSettings = 100

// LineComments matches the lines that are comments in the languages of configuration.
var LineComments = regexp.MustCompile(`(?m)^[ \t]*(?:#|//|;).*$`)

// MaxText bounds the text of scripts and configuration that is looked through at once, in bytes.
const MaxText = 256 << 10
