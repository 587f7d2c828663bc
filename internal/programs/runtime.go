package programs

// Runtimes start programs of which nothing more is known than that.
var Runtimes = map[string]bool{"java": true, "dotnet": true, "node": true, "python": true, "ruby": true, "php": true, "perl": true}
