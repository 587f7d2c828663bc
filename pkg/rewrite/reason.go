package rewrite

// A Reason is a stable code that says why an image stays as it is. It appears
// in every output format and in the accept list of the configuration.
type Reason string

// The reasons. Reasons holds their documentation.
const (
	DropsPrivilegesItself Reason = "drops-privileges-itself"
	InitSystem            Reason = "init-system"
	NeedsRootDaemon       Reason = "needs-root-daemon"
	GitHubAction          Reason = "github-action"
	DevContainer          Reason = "devcontainer"
	BaseImage             Reason = "base-image"
	DockerSocket          Reason = "docker-socket"
	OwnerOptedOut         Reason = "owner-opted-out"
	UnresolvedArg         Reason = "unresolved-arg"
	DanglingContinuation  Reason = "dangling-continuation"
	ForeignSyntax         Reason = "foreign-syntax"
	Windows               Reason = "windows"
	NoBaseFacts           Reason = "no-base-facts"
	RootHome              Reason = "root-home"
	NeedsCapability       Reason = "needs-capability"
	EntrypointNeedsRoot   Reason = "entrypoint-needs-root"
	NoShell               Reason = "no-shell"
	NoFind                Reason = "no-find"
	UnsafeName            Reason = "unsafe-name"
	RuleOff               Reason = "rule-off"
	CommandLineTool       Reason = "command-line-tool"
	UnreadEntrypoint      Reason = "unread-entrypoint"
)

// A ReasonDoc documents one reason.
type ReasonDoc struct {
	Code   Reason
	Title  string // when it applies, one line
	Text   string // why a change would not be safe
	Advice string // what to do instead
}

// Reasons documents every reason, in the order of the documentation.
var Reasons = []ReasonDoc{
	{DropsPrivilegesItself, "the program starts as root and switches to another user itself",
		"The entry point uses gosu, su-exec, setpriv, runuser, su, chroot --userspec or s6-setuidgid. Under a non-root user that switch fails, and the container with it.",
		"Keep root at the start and give it little: --cap-drop ALL with --cap-add SETUID and SETGID; CHOWN, FOWNER and DAC_OVERRIDE where the script changes owners or writes files of others; AUDIT_WRITE for su, runuser and sudo, which go through PAM; KILL where root stays beside the program and passes signals on to it, as tini and su do; SYS_CHROOT for chroot. harden runtime prints those of the image at hand."},
	{InitSystem, "an init system or supervisor starts the program",
		"s6-overlay, systemd, runit and supervisord with users of their own set up the system as root before they start the services.",
		"Run one program per container, or configure the supervisor for a single non-root user by hand."},
	{NeedsRootDaemon, "the program does its work as root",
		"cron, sshd, dockerd, openvpn, wireguard, iptables, ntpd, mount and the like act on behalf of other users or on the kernel.",
		"Drop all capabilities but those that the program needs, or use an alternative that runs as any user: for cron it is supercronic, for Docker its rootless mode, for a login docker exec."},
	{GitHubAction, "a GitHub Action runs this image",
		"GitHub requires Docker actions to run as the default user, root; another user cannot write GITHUB_WORKSPACE or GITHUB_OUTPUT (docs.github.com, Dockerfile support for GitHub Actions).",
		"Leave it as it is; GitHub isolates the container by other means."},
	{DevContainer, "the image is a development container",
		"Dev container tools choose and change the user themselves (remoteUser, updateRemoteUserUID).",
		"Set remoteUser in devcontainer.json."},
	{BaseImage, "other images are built on this one",
		"A child image would inherit the user, and its RUN instructions that install packages would fail.",
		"Harden the images that run. --include-bases hardens this one too; children then need USER 0:0 before they install."},
	{DockerSocket, "the program talks to the Docker socket",
		"The socket belongs to root and the docker group of the host; who may write to it is root on the host in all but name.",
		"Give the container the socket's group with group_add, or put a filtering proxy in between."},
	{OwnerOptedOut, "the owner of the file said no",
		"A comment in the Dockerfile (harden's own or another tool's for the same thing) or the configuration asks to leave it alone.",
		"Remove the comment or the entry when the reason no longer holds."},
	{UnresolvedArg, "USER or FROM depends on a build argument without a value",
		"Without the value nobody can tell which image or which user is meant.",
		"Pass --build-arg NAME=VALUE, or give the ARG a default."},
	{DanglingContinuation, "the last instruction ends in an open line continuation",
		"Anything written after it would become part of that instruction.",
		"Remove the trailing continuation character."},
	{ForeignSyntax, "# syntax= names a frontend that is not Docker's",
		"Another frontend may give the same words another meaning.",
		"Harden the file by hand."},
	{Windows, "a Windows image",
		"Windows containers know neither numeric users nor setuid files, and who may write what follows from access lists that nobody can see in a Dockerfile.",
		"USER ContainerUser where the base image has it."},
	{NoBaseFacts, "nothing is known of the base image",
		"Neither its configuration nor its accounts could be read, and the file gives no hint.",
		"Allow access to the registry, or pass --facts FILE made with harden inspect --json."},
	{RootHome, "the program needs files under /root",
		"/root belongs to root and has mode 0700: another user cannot even look inside.",
		"Install below /opt or /usr/local, or set HOME before the installing step."},
	{NeedsCapability, "the program needs a capability that only root starts with",
		"Its configuration asks for something that the kernel allows to a capability only (chroot, raw sockets, mounts).",
		"Change that setting, or keep root with just that capability."},
	{EntrypointNeedsRoot, "the start script does what only root may do",
		"It changes owners, accounts or files of the system each time the container starts. As another user these commands fail, and often the container with them.",
		"Do it in the Dockerfile instead, where RUN is root, or do it in the script only when id -u is 0."},
	{UnreadEntrypoint, "the start script could not be read",
		"It is not in the build context or the base image, so that nobody can tell what it does when the image starts. Many such scripts need root, or write what is root's.",
		"Run harden where the build context is at hand, or name it with --context. harden verify runs the image and finds out. --user NAME overrides this."},
	{CommandLineTool, "people run the image on their own files",
		"The caller mounts a directory for the program to work on. It belongs to the caller, not to the user that the image names, so the program could not write there.",
		"Run it with --user \"$(id -u):$(id -g)\" and -e HOME=/tmp, which needs no USER. To give it a user all the same, name one with --user or user: in .harden.yaml."},
	{NoShell, "no command can run in the image",
		"The image has no shell, so nothing in it can be changed by a RUN.",
		"Change the files in the stage they are copied from, or rely on no-new-privileges at run time."},
	{NoFind, "the image has no find, and its files are not known",
		"Without find nobody can search for privileged files, and no list of them is at hand.",
		"Let harden read the base image, or rely on no-new-privileges at run time."},
	{UnsafeName, "a file's name is not safe to write into a command",
		"The name comes from the image and holds characters that a shell would take for something else.",
		"Look at that file: such a name on a privileged file is unusual."},
	{RuleOff, "the rule is switched off",
		"The configuration or the command line switched the rule off.",
		"Switch it on again under rules: in .harden.yaml."},
}

// Explain returns the documentation of a reason.
func (r Reason) Explain() (ReasonDoc, bool) {
	for _, d := range Reasons {
		if d.Code == r {
			return d, true
		}
	}
	return ReasonDoc{}, false
}
