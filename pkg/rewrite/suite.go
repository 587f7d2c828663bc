package rewrite

// Suite holds every rule, in the order in which they are documented and run.
var Suite = []*Rule{
	nonroot,
	numeric,
	writable,
	roothome,
	setid,
	filecaps,
	ports,
}
