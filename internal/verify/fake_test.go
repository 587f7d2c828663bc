package verify

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/dockharden/harden/pkg/imageinspect"
	"github.com/dockharden/harden/pkg/rewrite"
)

// A fakeEngine is an engine whose containers do what a function says. It counts
// what is there, as a real one would.
type fakeEngine struct {
	mu         sync.Mutex
	containers map[string]Spec
	images     map[string]string // tag → Dockerfile
	started    map[string]time.Time
	reads      map[string]int // of a container's log
	serial     int

	down     error                                // every request fails with it
	build    func(dockerfile string) error        // nil builds everything
	behave   func(s Spec, dockerfile string) fake // what a container does
	health   []string
	ports    []int
	udp      []int
	onStart  func() // after a container was started
	layer    []Entry
	changes  []Change
	tasks    []Task
	existing map[string]FileKind
	modes    map[string]fs.FileMode
	held     map[string]Holding
	contents *Contents
}

// A fake is what one container does.
type fake struct {
	start  error
	status int  // exit status, for ended
	ended  bool // by itself
	exec   int  // exit status of every command in it
	hangs  bool // commands in it do not end
	log    string
	uid    int
	lives  time.Duration // then it ends; 0 is for good
	slow   int           // how often its log is empty although it has one
	proc   string        // what is in /proc/net
}

func newFake(behave func(s Spec, dockerfile string) fake) *fakeEngine {
	return &fakeEngine{containers: map[string]Spec{}, images: map[string]string{}, started: map[string]time.Time{}, reads: map[string]int{}, behave: behave, health: []string{"/check"}}
}

func (e *fakeEngine) err(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if e.down != nil {
		return classify(ctx, "talking to the fake", e.down)
	}
	return nil
}

func (e *fakeEngine) at(id string) fake {
	return e.behave(e.containers[id], e.images[e.containers[id].Image])
}

func (e *fakeEngine) Info(ctx context.Context) (Info, error) { return Info{Name: "Fake 1"}, e.err(ctx) }

func (e *fakeEngine) Build(ctx context.Context, b Build) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if err := e.err(ctx); err != nil {
		return err
	}
	if e.build != nil {
		if err := e.build(string(b.Dockerfile)); err != nil {
			return err
		}
	}
	e.images[b.Tag] = string(b.Dockerfile)
	return nil
}

func (e *fakeEngine) Image(ctx context.Context, ref string) (Image, error) {
	return Image{ID: ref, Size: 1, Layers: 1, Health: e.health, Ports: e.ports, UDP: e.udp}, e.err(ctx)
}

func (e *fakeEngine) Start(ctx context.Context, s Spec) (string, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if err := e.err(ctx); err != nil {
		return "", err
	}
	e.serial++
	id := fmt.Sprint("c", e.serial)
	e.containers[id] = s
	e.started[id] = time.Now()
	if e.onStart != nil {
		e.onStart()
	}
	return id, e.at(id).start
}

func (e *fakeEngine) State(ctx context.Context, id string) (State, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	f := e.at(id)
	over := f.ended || f.lives > 0 && time.Since(e.started[id]) > f.lives
	return State{Running: !over && f.start == nil, ExitCode: f.status, Address: "127.0.0.1"}, e.err(ctx)
}

func (e *fakeEngine) Logs(ctx context.Context, id string) (Output, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	f := e.at(id)
	if e.reads[id]++; e.reads[id] <= f.slow {
		return Output{}, e.err(ctx)
	}
	return Output{Stdout: f.log}, e.err(ctx)
}

func (e *fakeEngine) Exec(ctx context.Context, id string, argv []string) (int, string, error) {
	e.mu.Lock()
	f, err := e.at(id), e.err(ctx)
	e.mu.Unlock()
	if err != nil {
		return -1, "", err
	}
	if argv[0] == "cat" {
		if strings.HasSuffix(argv[1], "status") {
			return 0, statusText(f.uid), nil
		}
		if f.proc != "" {
			return 0, "sl local_address\n" + f.proc, nil
		}
		return 1, "", nil
	}
	if f.hangs {
		<-ctx.Done()
		return -1, "", ctx.Err()
	}
	return f.exec, "", nil
}

func statusText(uid int) string {
	return fmt.Sprintf("Name:\tx\nUid:\t%d\t%d\t%d\t%d\nGid:\t0\t0\t0\t0\nGroups:\t0 7 \nNSpid:\t44\t1\nCapEff:\t0000000000040000\nCapBnd:\t0000000000000000\nNoNewPrivs:\t1\n", uid, uid, uid, uid)
}

func (e *fakeEngine) Processes(ctx context.Context, _ string) ([]Task, error) {
	return e.tasks, e.err(ctx)
}
func (e *fakeEngine) Changes(ctx context.Context, _ string) ([]Change, error) {
	return e.changes, e.err(ctx)
}
func (e *fakeEngine) Layer(ctx context.Context, _ string) ([]Entry, *Contents, error) {
	return e.layer, e.contents, e.err(ctx)
}
func (e *fakeEngine) Stat(_ context.Context, _, name string) (FileKind, fs.FileMode, error) {
	return e.existing[name], e.modes[name], nil
}
func (e *fakeEngine) Filled(context.Context, string, string) (bool, error) { return false, nil }

func (e *fakeEngine) Holds(context.Context, string, []string) (map[string]Holding, error) {
	return e.held, nil
}

func (e *fakeEngine) Remove(_ context.Context, id string) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.containers, id)
	return nil
}

func (e *fakeEngine) Close() error { return nil }

// images has the same facts of every image; by default nothing is known.
type images struct{ facts *imageinspect.Facts }

func (i images) Inspect(context.Context, string, imageinspect.Platform) (*imageinspect.Facts, error) {
	if i.facts == nil {
		return &imageinspect.Facts{}, nil
	}
	return i.facts, nil
}

const original, rewritten = "FROM x\n", "FROM x\nUSER 10001:10001\n"

// job hardens by appending USER, and a comment for what was learned.
func job() *Job {
	return &Job{Path: "Dockerfile", Source: []byte(original), Images: images{}, Rewrite: func(_ context.Context, l Learned) (*rewrite.Result, error) {
		out := rewritten
		for _, d := range slices.Concat(l.Dirs, l.Trees, l.Files) {
			out += "# owns " + d + "\n"
		}
		res := &rewrite.Result{Source: []byte(original), Output: []byte(out), Outcome: rewrite.Hardened, User: "10001:10001"}
		if len(l.Capabilities) > 0 {
			res.Output, res.Outcome, res.Reason = []byte(original), rewrite.Refused, rewrite.NeedsCapability
			res.Profile.Capabilities = l.Capabilities
		}
		return res, nil
	}}
}

func quick() Options {
	return Options{Start: 300 * time.Millisecond, Each: 50 * time.Millisecond, Stay: time.Millisecond, Build: time.Second, Jobs: 2}
}

// TestFailures holds that each way in which nothing can be proven has its
// message, and that no container is left behind by any of them.
func TestFailures(t *testing.T) {
	fine := func(Spec, string) fake { return fake{} }
	tests := map[string]struct {
		engine *fakeEngine
		setup  func(*fakeEngine, context.CancelFunc)
		kind   Kind
		want   string
	}{
		"engine is down": {newFake(fine), func(e *fakeEngine, _ context.CancelFunc) { e.down = syscall.ECONNREFUSED }, EngineDown, "connection refused"},
		"engine stops in the middle": {newFake(fine), func(e *fakeEngine, _ context.CancelFunc) {
			e.onStart = func() { e.down = errors.New("EOF") }
		}, EngineDown, "failed while talking to the fake: EOF; check that the engine runs"},
		"build fails": {newFake(fine), func(e *fakeEngine, _ context.CancelFunc) {
			e.build = func(string) error {
				return &BuildError{Msg: "process \"/bin/sh -c false\" did not complete", Log: "step 2"}
			}
		}, BuildFailed, "does not build, so there is nothing to compare: process"},
		"disk is full": {newFake(fine), func(e *fakeEngine, _ context.CancelFunc) {
			e.build = func(string) error { return errors.New("write /x: no space left on device") }
		}, DiskFull, "no space is left"},
		"original does not start": {newFake(func(Spec, string) fake { return fake{start: &StartError{"exec: \"x\": not found"}} }), nil,
			NothingToCompare, "itself does not start, so there is nothing to compare: exec"},
		"original ends": {newFake(func(Spec, string) fake { return fake{ended: true, status: 3, log: "no database"} }), nil,
			NothingToCompare, "it ended with exit status 3"},
		"original fails the probe": {newFake(func(Spec, string) fake { return fake{exec: 1} }), nil, NothingToCompare, "does not pass the probe"},
		"probe hangs":              {newFake(func(Spec, string) fake { return fake{hangs: true} }), nil, ProbeFailed, "the probe hangs on the original"},
		"interrupted": {newFake(fine), func(e *fakeEngine, cancel context.CancelFunc) { e.onStart = cancel },
			Interrupted, "interrupted"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			if tt.setup != nil {
				tt.setup(tt.engine, cancel)
			}
			_, err := Run(ctx, tt.engine, job(), quick())
			e := new(Error)
			if !errors.As(err, &e) || e.Kind != tt.kind || !strings.Contains(e.Error(), tt.want) {
				t.Errorf("error %+v, want kind %s and %q", err, tt.kind, tt.want)
			}
			if len(tt.engine.containers) > 0 {
				t.Errorf("left behind: %v", tt.engine.containers)
			}
		})
	}
}

func nonroot(dockerfile string) bool { return strings.Contains(dockerfile, "USER") }

func TestProof(t *testing.T) {
	tests := map[string]struct {
		behave func(s Spec, dockerfile string) fake
		less   string // "" is proof
	}{
		"everything works": {func(_ Spec, d string) fake {
			if nonroot(d) {
				return fake{uid: 10001}
			}
			return fake{}
		}, ""},
		"hardened ends": {func(_ Spec, d string) fake {
			if nonroot(d) {
				return fake{ended: true, status: 1, log: "x\nopen /data/db: permission denied"}
			}
			return fake{}
		}, "exit status 1; its log says: open /data/db: permission denied"},
		"hardened is still root": {func(Spec, string) fake { return fake{uid: 0} }, "still runs as root"},
		"both need capabilities": {func(s Spec, d string) fake {
			f := fake{uid: 10001}
			if len(s.CapDrop) > 0 {
				f.ended = true
			}
			return f
		}, ""},
		"only the hardened one needs them": {func(s Spec, d string) fake {
			f := fake{uid: 10001}
			f.ended = len(s.CapDrop) > 0 && nonroot(d)
			return f
		}, "under --cap-drop ALL: it ended"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			e := newFake(tt.behave)
			r, err := Run(t.Context(), e, job(), quick())
			if err != nil {
				t.Fatal(err)
			}
			got := strings.Join(r.Less, "\n")
			if (tt.less == "") != r.Proven() || !strings.Contains(got, tt.less) {
				t.Errorf("less: %q, want %q", got, tt.less)
			}
			if len(e.containers) > 0 {
				t.Errorf("left behind: %v", e.containers)
			}
		})
	}
}

func TestHardenedDoesNotBuild(t *testing.T) {
	e := newFake(func(Spec, string) fake { return fake{} })
	e.build = func(d string) error {
		if nonroot(d) {
			return &BuildError{Msg: "groupadd: not found"}
		}
		return nil
	}
	r, err := Run(t.Context(), e, job(), quick())
	if err != nil || r.Proven() || !strings.Contains(r.Less[0], "groupadd: not found") {
		t.Errorf("%v, less %q", err, r.Less)
	}
}

func TestOneShot(t *testing.T) {
	var mu sync.Mutex
	n := 0
	counting := func() string { mu.Lock(); defer mu.Unlock(); n++; return fmt.Sprint("run ", n) }
	tests := map[string]struct {
		opts   func(*Options)
		behave func(s Spec, dockerfile string) fake
		kind   Kind
		less   string
	}{
		"same":  {nil, func(Spec, string) fake { return fake{ended: true, log: "42", uid: 1} }, "", ""},
		"other": {nil, func(_ Spec, d string) fake { return fake{ended: true, log: fmt.Sprint(nonroot(d))} }, "", "its output differs"},
		"status": {nil, func(_ Spec, d string) fake {
			if nonroot(d) {
				return fake{ended: true, status: 1}
			}
			return fake{ended: true}
		}, "", "exit status 1, the original with 0"},
		"varying":         {nil, func(Spec, string) fake { return fake{ended: true, log: counting()} }, "", ""},
		"status of usage": {func(o *Options) { o.OneShot = true }, func(Spec, string) fake { return fake{ended: true, status: 2} }, "", ""},
		"fails":           {nil, func(Spec, string) fake { return fake{ended: true, status: 2} }, NothingToCompare, ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			e := newFake(tt.behave)
			e.health = nil
			opts := quick()
			if tt.opts != nil {
				tt.opts(&opts)
			}
			r, err := Run(t.Context(), e, job(), opts)
			if tt.kind != "" {
				if k := new(Error); !errors.As(err, &k) || k.Kind != tt.kind {
					t.Errorf("error %v, want kind %s", err, tt.kind)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.Join(r.Less, "\n"); (tt.less == "") != r.Proven() || !strings.Contains(got, tt.less) {
				t.Errorf("less %q, want %q", got, tt.less)
			}
		})
	}
}

// TestLearn holds that what the original writes is given to the user, and that
// the proof then holds.
func TestLearn(t *testing.T) {
	e := newFake(func(_ Spec, d string) fake {
		if nonroot(d) && !strings.Contains(d, "# owns /srv/app/state") {
			return fake{ended: true, status: 1, log: "mkdir /srv/app/state/x: permission denied", uid: 10001}
		}
		if nonroot(d) {
			return fake{uid: 10001}
		}
		return fake{}
	})
	e.changes = []Change{{Path: "/srv"}, {Path: "/srv/app"}, {Path: "/srv/app/state"}, {Path: "/srv/app/state/x", Added: true}, {Path: "/srv/app/state/x/1", Added: true}}
	opts := quick()
	opts.Learn = true
	r, err := Run(t.Context(), e, job(), opts)
	if err != nil || !r.Proven() || r.Learned == nil || !slices.Equal(r.Learned.Dirs, []string{"/srv/app/state"}) || r.Rounds != 2 {
		t.Errorf("%v; less %q, learned %+v, rounds %d", err, r.Less, r.Learned, r.Rounds)
	}
}

// TestLearnFromComplaints holds that what only the hardened image's log shows is
// learned, too.
func TestLearnFromComplaints(t *testing.T) {
	e := newFake(func(_ Spec, d string) fake {
		if nonroot(d) && !strings.Contains(d, "# owns /etc/app/key.pem") {
			return fake{ended: true, status: 1, log: `cannot read "/etc/app/key.pem": Permission denied`, uid: 10001}
		}
		return fake{uid: 10001}
	})
	e.existing = map[string]FileKind{"/etc/app/key.pem": Regular}
	opts := quick()
	opts.Learn = true
	r, err := Run(t.Context(), e, job(), opts)
	if err != nil || !r.Proven() || r.Learned == nil || !slices.Equal(r.Learned.Files, []string{"/etc/app/key.pem"}) {
		t.Errorf("%v; less %q, learned %+v", err, r.Less, r.Learned)
	}
}

// TestLearnCapability holds that a program which works for root alone is found
// out, with the capability it needs and no other.
func TestLearnCapability(t *testing.T) {
	e := newFake(func(s Spec, d string) fake {
		if nonroot(d) {
			return fake{ended: true, status: 1, log: "chroot: operation not permitted", uid: 10001}
		}
		if len(s.CapDrop) > 0 && !(slices.Contains(s.CapAdd, "SYS_CHROOT") && slices.Contains(s.CapAdd, "SETUID")) {
			return fake{ended: true, status: 1, log: "chroot: operation not permitted"}
		}
		return fake{}
	})
	opts := quick()
	opts.Learn = true
	r, err := Run(t.Context(), e, job(), opts)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, c := range r.Learned.Capabilities {
		names = append(names, c.Name)
	}
	if !slices.Equal(names, []string{"SETUID", "SYS_CHROOT"}) || r.Result.Outcome != rewrite.Refused || !r.Proven() || !r.After.Rung(CapDrop).OK {
		t.Errorf("capabilities %q, outcome %s, less %q, %+v", names, r.Result.Outcome, r.Less, r.After.Rung(CapDrop))
	}
}

func TestNothingToLearn(t *testing.T) {
	e := newFake(func(_ Spec, d string) fake {
		if nonroot(d) {
			return fake{ended: true, status: 1, log: "I want to be root", uid: 10001}
		}
		return fake{}
	})
	opts := quick()
	opts.Learn = true
	r, err := Run(t.Context(), e, job(), opts)
	if err != nil || r.Proven() || !strings.Contains(r.Less[0], "I want to be root") || r.Rounds > maxRounds {
		t.Errorf("%v, less %q after %d rounds", err, r.Less, r.Rounds)
	}
}
