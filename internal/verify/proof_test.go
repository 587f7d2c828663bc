package verify

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dockharden/harden/pkg/rewrite"
)

// prove runs a proof in which the long stays are short.
func prove(t *testing.T, e *fakeEngine, change func(*Options, *prover)) (*Report, error) {
	t.Helper()
	opts := quick()
	opts.Stay = 0
	opts.Start = 2 * time.Second
	p := newProver(e, job(), opts)
	p.margin = 300 * time.Millisecond
	p.short = 20 * time.Millisecond
	if change != nil {
		change(&p.opts, p)
	}
	err := p.run(t.Context())
	if len(e.containers) > 0 {
		t.Errorf("left behind: %v", e.containers)
	}
	return p.report, err
}

func mustSay(t *testing.T, r *Report, err error, less string) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(r.Less, "\n"); (less == "") != r.Proven() || !strings.Contains(got, less) {
		t.Errorf("less %q, want %q", got, less)
	}
}

// TestJobIsAwaited holds that what ends by itself only after a while is compared
// by its end, with --one-shot and without.
func TestJobIsAwaited(t *testing.T) {
	batch := func(_ Spec, d string) fake {
		f := fake{uid: 10001, lives: 150 * time.Millisecond}
		if nonroot(d) {
			f.status, f.log = 1, "cannot create /opt/result: Permission denied"
		}
		return f
	}
	for name, oneShot := range map[string]bool{"found out": false, "said": true} {
		t.Run(name, func(t *testing.T) {
			e := newFake(batch)
			e.health = nil
			r, err := prove(t, e, func(o *Options, _ *prover) { o.OneShot = oneShot })
			mustSay(t, r, err, "exit status 1, the original with 0; its log says: cannot create /opt/result")
		})
	}
	e := newFake(func(Spec, string) fake { return fake{} })
	e.health = nil
	_, err := prove(t, e, func(o *Options, _ *prover) { o.OneShot, o.Start = true, 100*time.Millisecond })
	if k := new(Error); !errors.As(err, &k) || k.Kind != NothingToCompare || !strings.Contains(k.Msg, "does not end by itself") {
		t.Errorf("a service under --one-shot: %v", err)
	}
	e = newFake(func(Spec, string) fake { return fake{lives: 150 * time.Millisecond, status: 3} })
	e.health = nil
	_, err = prove(t, e, nil)
	if k := new(Error); !errors.As(err, &k) || k.Kind != NothingToCompare || !strings.Contains(k.Msg, "exit status 3") {
		t.Errorf("an original that fails later: %v", err)
	}
}

// TestHardenedDiesLater holds that the hardened image is watched for longer than
// it takes to listen.
func TestHardenedDiesLater(t *testing.T) {
	e := newFake(func(s Spec, d string) fake {
		f := fake{uid: 10001, proc: "0: 0:1F90 0:0 0A\n"}
		if nonroot(d) {
			f.lives, f.status = 150*time.Millisecond, 1
		}
		return f
	})
	e.health, e.ports = nil, []int{8080}
	r, err := prove(t, e, nil)
	mustSay(t, r, err, "it ended with exit status 1")
}

// TestVaryingOutput holds that lines about permissions count where the output as
// a whole cannot.
func TestVaryingOutput(t *testing.T) {
	var mu sync.Mutex
	n := 0
	e := newFake(func(_ Spec, d string) fake {
		mu.Lock()
		defer mu.Unlock()
		n++
		f := fake{ended: true, log: fmt.Sprint("run ", n)}
		if nonroot(d) {
			f.log += "\ncannot create /opt/backup: Permission denied"
		}
		return f
	})
	e.health = nil
	r, err := prove(t, e, nil)
	mustSay(t, r, err, "missing permissions; its log says: cannot create /opt/backup")
	if len(r.Less) != 1 || !strings.Contains(r.Less[0], "(also under cap-drop, no-new-privileges, read-only)") {
		t.Errorf("one fault is not one sentence: %q", r.Less)
	}
}

// TestHealthDoesNotHideTheLog holds that a HEALTHCHECK that passes makes nothing
// of what the log says, and that --learn takes it up.
func TestHealthDoesNotHideTheLog(t *testing.T) {
	e := newFake(func(_ Spec, d string) fake {
		f := fake{uid: 10001, log: "started"}
		if nonroot(d) && !strings.Contains(d, "# owns /opt/cache") {
			f.log += "\ncache disabled: [Errno 13] Permission denied: '/opt/cache'"
		}
		return f
	})
	e.existing = map[string]FileKind{"/opt/cache": Directory}
	r, err := prove(t, e, nil)
	mustSay(t, r, err, "missing permissions; its log says: cache disabled")
	r, err = prove(t, e, func(o *Options, _ *prover) { o.Exec = "true" })
	mustSay(t, r, err, "")
	if rung := r.After.Rung(CapDrop); !strings.Contains(rung.Note, "cache disabled") {
		t.Errorf("note %q", rung.Note)
	}
	r, err = prove(t, e, func(o *Options, _ *prover) { o.Learn = true })
	mustSay(t, r, err, "")
	if r.Learned == nil || !slices.Contains(r.Learned.Dirs, "/opt/cache") {
		t.Errorf("learned %+v", r.Learned)
	}
}

// TestLogComesLate holds that a log which the engine writes after the end is
// waited for, and that a run which differs once does not count.
func TestLogComesLate(t *testing.T) {
	e := newFake(func(Spec, string) fake { return fake{ended: true, log: "hello", slow: 2} })
	e.health = nil
	r, err := prove(t, e, nil)
	mustSay(t, r, err, "")
	if len(r.Warnings) > 0 {
		t.Errorf("warnings %q", r.Warnings)
	}
	started := 0
	e = newFake(func(_ Spec, d string) fake {
		if nonroot(d) && started < 9 { // the first run of the hardened image
			return fake{ended: true}
		}
		return fake{ended: true, log: "hello"}
	})
	e.health = nil
	e.onStart = func() { started++ }
	r, err = prove(t, e, nil)
	mustSay(t, r, err, "")
}

// TestWeb holds that GET / is compared where nobody has given a probe.
func TestWeb(t *testing.T) {
	serve := func(status int) (*httptest.Server, string) {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }))
		t.Cleanup(s.Close)
		return s, fmt.Sprintf("0: 0:%04X 0:0 0A\n", s.Listener.Addr().(*net.TCPAddr).Port)
	}
	for name, tt := range map[string]struct {
		before, after int
		less          string
	}{
		"same":      {200, 200, ""},
		"better":    {500, 200, ""},
		"forbidden": {401, 403, ""},
	} {
		t.Run(name, func(t *testing.T) {
			b, a := answer{80, tt.before}, answer{80, tt.after}
			p := &prover{baseline: &Attempt{Web: []answer{b}}}
			if got := p.worseAnswer([]answer{a}); got != tt.less {
				t.Errorf("%q", got)
			}
		})
	}
	server, _ := serve(200)
	port := server.Listener.Addr().(*net.TCPAddr).Port
	if port >= ephemeral {
		// The kernel picks such ports for tests, and verify leaves them out.
		l, err := net.Listen("tcp", "127.0.0.1:0")
		for n := 20000; err == nil && port >= ephemeral && n < 20100; n++ {
			l.Close()
			if l, err = net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", n)); err == nil {
				port = n
			} else {
				l, err = net.Listen("tcp", "127.0.0.1:0")
			}
		}
		if err != nil || port >= ephemeral {
			t.Fatal("no port is free")
		}
		status := http.StatusOK
		var mu sync.Mutex
		go func() {
			_ = http.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				mu.Lock()
				defer mu.Unlock()
				w.WriteHeader(status)
			}))
		}()
		t.Cleanup(func() { l.Close() })
		e := newFake(func(_ Spec, d string) fake {
			mu.Lock()
			defer mu.Unlock()
			if nonroot(d) {
				status = 500 // the hardened image is started last
			}
			return fake{uid: 10001, proc: fmt.Sprintf("0: 0:%04X 0:0 0A\n", port)}
		})
		e.health = nil
		r, err := prove(t, e, func(_ *Options, p *prover) { p.margin = 30 * time.Millisecond })
		mustSay(t, r, err, fmt.Sprintf("GET / on port %d is answered with 500, the original answers 200", port))
	}
}

// TestUDP holds that a port which is bound no more is less.
func TestUDP(t *testing.T) {
	e := newFake(func(_ Spec, d string) fake {
		f := fake{uid: 10001, proc: "0: 0:0202 0:0000 07\n1: 0:7777 0:0000 07\n"}
		if nonroot(d) {
			f.proc = "0: 0:0203 0:0000 07\n"
		}
		return f
	})
	e.health, e.udp = nil, []int{514, 700}
	slow := func(o *Options, _ *prover) { o.Start = 100 * time.Millisecond }
	r, err := prove(t, e, slow)
	mustSay(t, r, err, "nothing is bound to UDP port 514")
	e.health = []string{"/check"}
	r, err = prove(t, e, slow)
	mustSay(t, r, err, "nothing is bound to UDP port 514")
	if len(r.Warnings) != 1 || !strings.Contains(r.Warnings[0], "UDP port 700") {
		t.Errorf("warnings %q", r.Warnings)
	}
}

// TestSocketIsNamed holds that what cannot be repaired is said, too, when it is
// all that was found.
func TestSocketIsNamed(t *testing.T) {
	e := newFake(func(_ Spec, d string) fake {
		if nonroot(d) {
			return fake{ended: true, status: 1, log: "bind: Permission denied", uid: 10001}
		}
		return fake{}
	})
	e.changes = []Change{{Path: "/run"}, {Path: "/run/app.sock", Added: true}}
	r, err := prove(t, e, func(o *Options, _ *prover) { o.Learn = true })
	if err != nil || r.Proven() || r.Learned == nil || !slices.Equal(r.Learned.Unfixable, []string{"/run/app.sock"}) {
		t.Errorf("%v, less %q, learned %+v", err, r.Less, r.Learned)
	}
}

// TestLeast holds that an image which stays root is said to need no more than
// it does: without a probe it is only said what it did without.
func TestLeast(t *testing.T) {
	e := newFake(func(s Spec, _ string) fake {
		return fake{ended: false, exec: map[bool]int{false: 1}[slices.Contains(s.CapAdd, "SYS_CHROOT") || len(s.CapDrop) == 0]}
	})
	for _, probed := range []bool{true, false} {
		opts := quick()
		if probed {
			opts.Exec = "true"
		}
		j := job()
		j.Rewrite = func(context.Context, Learned) (*rewrite.Result, error) {
			res := &rewrite.Result{Source: []byte(original), Output: []byte(original + "# x\n"), Outcome: rewrite.Refused}
			res.Profile.Capabilities = []rewrite.Capability{{Name: "SETUID"}, {Name: "SETGID"}, {Name: "SYS_CHROOT"}}
			return res, nil
		}
		p := newProver(e, j, opts)
		p.short = time.Millisecond
		err, r := p.run(t.Context()), p.report
		if err != nil || !r.Proven() || !r.StaysRoot() {
			t.Fatalf("%v, less %q", err, r.Less)
		}
		if caps := r.Result.Profile.Capabilities; probed && (len(caps) != 1 || caps[0].Name != "SYS_CHROOT") {
			t.Errorf("with a probe: %v", caps)
		}
		if !probed && !slices.Equal(r.Idle, []string{"SETUID", "SETGID"}) {
			t.Errorf("without a probe: idle %q", r.Idle)
		}
	}
}

func TestTellingLine(t *testing.T) {
	node := &Attempt{Denied: []string{"Error: EACCES: permission denied, mkdir '/app/uploads'", "code: 'EACCES',"}}
	if got := tellingLine(node); !strings.Contains(got, "/app/uploads") {
		t.Errorf("%q", got)
	}
}

func TestHeadlineSaysWhatWasCompared(t *testing.T) {
	e := newFake(func(Spec, string) fake { return fake{uid: 10001} })
	e.health = nil
	if r, err := prove(t, e, nil); err != nil || r.Does != "starts and stays up for 0s" {
		t.Errorf("%v, %q", err, r.Does)
	}
	if r, err := prove(t, e, func(o *Options, _ *prover) { o.Exec = "true" }); err != nil || r.Does != "passes the probe" || !r.Given {
		t.Errorf("%v, %q", err, r.Does)
	}
}
