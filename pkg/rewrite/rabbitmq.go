package rewrite

import (
	"fmt"
	"regexp"
)

// erlangCookie is the secret that the tools of RabbitMQ share with the server. Whoever
// starts one first makes it, readable for itself alone (rabbitmq.com/docs/clustering,
// Erlang Cookie), and the official image has it in the home of the server.
const erlangCookie = "/var/lib/rabbitmq/.erlang.cookie"

// rabbitTools matches a tool that makes the cookie, told to work without the server or not.
var rabbitTools = regexp.MustCompile(`\brabbitmq(ctl|-plugins|-diagnostics|-queues)\b`)

// repairCookie takes away the cookie that a step of root leaves where the entry point of
// the base, which gave it to the server, no longer has root to do so
// (rabbitmq/rabbitmq-server#1698). A server makes its own, and none lies in the image.
func (p *Pass) repairCookie() {
	if p.Repository() != "rabbitmq" || p.User.How == ChoiceExisting || !p.canRun() {
		return
	}
	for _, in := range p.Stage.Instructions {
		if in.Keyword != "RUN" || !rabbitTools.MatchString(in.Original) || !p.End.Before[in].User.Root() {
			continue
		}
		p.report(Finding{Line: in.Line, Message: fmt.Sprintf("this step may leave %s, which root alone can read", erlangCookie),
			Fix: &Fix{Message: "removes it; the server makes its own", Steps: []Step{{Command: "rm -f " + erlangCookie, Order: stepOwner, After: in}}}})
		return
	}
}
