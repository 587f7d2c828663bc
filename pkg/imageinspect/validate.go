package imageinspect

// Validate reports what in the facts must not reach a Dockerfile.
func (f *Facts) Validate() error { return nil }
