package rewrite

import (
	"path"
	"strings"
)

func windowsImage(p *Pass) *Refusal {
	if !p.windows() || !p.windowsAdministrator() || p.hasContainerUser() {
		return nil
	}
	if r := p.forOthers(); r != nil {
		return r
	}
	if !p.opts.IncludeBases && p.Base.Known.Config && p.Entry.By == nil && p.bareShell() {
		return &Refusal{Reason: BaseImage, Line: p.Stage.From.Line, Whole: true, Message: "the image has no command of its own, so others build on it or run commands in it",
			Hint: "Set the user in the images that run, ContainerUser where what they write allows it."}
	}
	msg := "it runs as ContainerAdministrator, and which files its program writes that ContainerUser may not is not known"
	if p.windowsUserUnknown() {
		msg = "whether it runs as ContainerAdministrator or as ContainerUser is not known, nor which files its program writes that ContainerUser may not"
	}
	return &Refusal{Reason: Windows, Line: p.Stage.From.Line, Whole: true, Message: msg}
}

// windows reports whether the image is one for Windows.
func (p *Pass) windows() bool {
	if p.Base.Config.OS == "windows" || p.Base.Distro.Family() == "windows" || windowsShell(p.End.Shell) {
		return true
	}
	// A name is a hint only, and a Linux package manager says otherwise.
	return windowsName(p.Base.Reference) && len(p.End.Packages) == 0 && p.Base.Distro.Family() == ""
}

// windowsAdministrator reports whether a Windows image starts with all rights:
// as ContainerAdministrator, which is also what no USER means there.
func (p *Pass) windowsAdministrator() bool {
	switch strings.ToLower(p.End.User.Spec) {
	case "", "containeradministrator", "administrator":
		return true
	}
	return false
}

// windowsUserUnknown reports whether neither the file nor what is known of its base says
// who a Windows image starts as.
func (p *Pass) windowsUserUnknown() bool {
	return p.End.User.Spec == "" && p.End.User.By == nil && !p.Base.Known.Config
}

// withoutUser returns who an image starts as that nobody gives a user, "" where that
// depends on a base of which it is not known.
func (p *Pass) withoutUser() string {
	switch {
	case !p.windows():
		return "root"
	case p.windowsUserUnknown():
		return ""
	}
	return "ContainerAdministrator"
}

// hasContainerUser reports whether the base is known to have the account
// ContainerUser and made for it: Nano Server starts as that account unless the
// file says otherwise, and did not before version 1709 (dotnet/dotnet-docker#728).
// Server Core runs services that need an administrator.
func (p *Pass) hasContainerUser() bool {
	ref := p.Base.Reference
	return p.Base.Distro.Family() == "windows" && p.Entry.By != nil &&
		strings.Contains(ref, "nanoserver") && strings.EqualFold(p.Base.Config.User, "ContainerUser") && !p.administratorsHome()
}

// windowsName recognises Microsoft's base images by name, for when nothing else
// is known of them.
func windowsName(ref string) bool {
	ref = strings.ToLower(ref)
	for _, mark := range []string{"nanoserver", "servercore", "windows", "-ltsc20", "-nano-"} {
		if strings.Contains(ref, mark) {
			return true
		}
	}
	return false
}

func windowsShell(shell []string) bool {
	if len(shell) == 0 {
		return false
	}
	base := strings.ToLower(path.Base(strings.ReplaceAll(shell[0], `\`, "/")))
	return base == "cmd" || base == "cmd.exe" || base == "powershell" || base == "powershell.exe" || base == "pwsh.exe"
}

// administratorsHome reports whether the file uses the administrator's home, into
// which nobody else can look.
func (p *Pass) administratorsHome() bool {
	for _, in := range p.Stage.Instructions {
		if in.Keyword != "USER" && strings.Contains(strings.ToLower(in.Original), "containeradministrator") {
			return true
		}
	}
	return false
}
