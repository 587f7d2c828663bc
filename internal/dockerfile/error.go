package dockerfile

// An Error says what is wrong in a Dockerfile, where, and what to do about it.
type Error struct {
	Line int // 1-based; 0 when the whole file is meant
	Msg  string
	Hint string
}

// Error returns the message and the hint; callers put file and line in front.
func (e *Error) Error() string {
	if e.Hint == "" {
		return e.Msg
	}
	return e.Msg + "; " + e.Hint
}
