# make test is what CI runs: vet, every Go test with the race detector, and the
# tests in a container engine. Without an engine those say so and are skipped;
# with CI=true they fail. "make lab" brings one up on Debian, as root.

GO ?= go
GOLANGCI_LINT ?= $(GO) run github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.12.0
FUZZTIME ?= 10s
BENCH ?= .

# What is built, vetted and tested. e2e has a target of its own: it needs an
# engine and must not share the machine with the other tests.
UNIT = $(shell $(GO) list ./... | grep -v '/e2e')

.PHONY: test
test: vet unit e2e

.PHONY: vet
vet:
	$(GO) vet ./...
	@test -z "$$(gofmt -l . | tee /dev/stderr)" || { echo "gofmt: the files above need formatting" >&2; exit 1; }

.PHONY: unit
unit:
	$(GO) test -race -timeout 20m $(UNIT)
	$(GO) test -run '^TestResidentMemory$$' -v ./pkg/imageinspect # the race detector has memory of its own
	cd internal/profile/conformance && $(GO) test ./... # a module of its own: Kubernetes' policy code stays out of the tool

.PHONY: e2e
e2e:
	$(GO) test -timeout 45m -v ./e2e

.PHONY: lint
lint:
	$(GOLANGCI_LINT) run ./...

.PHONY: build
build:
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags '-s -w' -o harden ./cmd/harden

.PHONY: lab lab-down
lab:
	e2e/lab/up
lab-down:
	e2e/lab/down

# Writes what the rules say today into fixtures/; read the diff before you commit it.
.PHONY: fixtures
fixtures:
	$(GO) test ./pkg/rewrite -run 'Fixtures|Docs' -update

.PHONY: bench
bench:
	$(GO) test -run '^$$' -bench '$(BENCH)' -benchmem $(UNIT)

# Every fuzz target for FUZZTIME; go test fuzzes one target of one package at a time.
.PHONY: fuzz
fuzz:
	@set -e; for p in $(UNIT); do \
		for f in $$($(GO) test -list '^Fuzz' $$p | grep '^Fuzz' || true); do \
			echo "$$p $$f"; \
			$(GO) test -run '^$$' -fuzz "^$$f$$" -fuzztime $(FUZZTIME) $$p; \
		done; \
	done
