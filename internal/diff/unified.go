package diff

// Unified returns the difference between two texts.
func Unified(oldName, newName string, old, new []byte) string { return "" }

// Stat returns how many lines a diff adds and removes.
func Stat(old, new []byte) (added, removed int) { return 0, 0 }
