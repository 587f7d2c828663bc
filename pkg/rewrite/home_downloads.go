package rewrite

import (
	"path"
	"regexp"

	"github.com/dockharden/harden/pkg/rewrite/internal/entry"
)

// homeDownloads are the commands that fetch data, models and plugins, or write settings, which
// the program looks for below $HOME; each names its directory in its documentation.
var homeDownloads = []homeInstall{
	// textblob.download_corpora calls nltk.download (textblob, download_corpora.py).
	{word: "nltk", re: regexp.MustCompile(`\bnltk\.download`), what: "NLTK's data lands below /root", elsewhere: []string{"NLTK_DATA"}, when: unlessSettled(nltkElsewhere)},
	{word: "download_corpora", re: regexp.MustCompile(`\btextblob\b[^&|;\n]*\bdownload_corpora\b`), what: "NLTK's data, which TextBlob fetches, lands below /root", elsewhere: []string{"NLTK_DATA"}},
	{word: "load_dataset", re: regexp.MustCompile(`\bload_dataset\(`), what: "the cache of Hugging Face lands below /root", elsewhere: []string{"HF_HOME", "HF_DATASETS_CACHE", "XDG_CACHE_HOME"}, when: unlessSettled(`cache_dir`), dirs: []string{".cache"}},
	{word: "PaddleOCR", re: regexp.MustCompile(`\bPaddleOCR\(`), what: "PaddleOCR's models land below /root", elsewhere: []string{"PADDLE_OCR_BASE_DIR", "PADDLE_PDX_CACHE_HOME"}, when: unlessSettled(`(det|rec|cls)_model_dir`), dirs: []string{".paddleocr", ".paddlex"}},
	{word: "DeepFace", re: regexp.MustCompile(`\bDeepFace\.build_model\(`), what: "DeepFace's models land below /root", elsewhere: []string{"DEEPFACE_HOME"}, dirs: []string{".deepface"}},
	{word: "FaceAnalysis", re: regexp.MustCompile(`\bFaceAnalysis\(`), what: "InsightFace's models land below /root", when: unlessSettled(`\broot\s*=`), dirs: []string{".insightface"}},
	{word: "tfds", re: regexp.MustCompile(`\btfds\.load\(`), what: "the data of TensorFlow Datasets lands below /root", elsewhere: []string{"TFDS_DATA_DIR"}, when: unlessSettled(`data_dir`)},
	{word: "clip", re: regexp.MustCompile(`\bclip\.load\(`), what: "the cache of CLIP lands below /root", when: unlessSettled(`download_root`), dirs: []string{".cache"}},
	{word: "argospm", re: regexp.MustCompile(`\bargospm\s+install\b`), what: "the languages of Argos Translate land below /root", elsewhere: []string{"ARGOS_PACKAGES_DIR", "XDG_DATA_HOME"}},
	{word: "pyppeteer", re: regexp.MustCompile(`\bpyppeteer-install\b`), what: "pyppeteer's browser lands below /root", elsewhere: []string{"PYPPETEER_HOME", "XDG_DATA_HOME"}},
	{word: "DriverManager", re: regexp.MustCompile(`\b(Chrome|Gecko|EdgeChromium|Opera)DriverManager\([^)]*\)\.install\(`), what: "the driver that webdriver_manager fetches lands below /root", elsewhere: []string{"WDM_LOCAL"}, dirs: []string{".wdm"}},
	{word: "np", re: regexp.MustCompile(`\bp?npm\s+(-\S+\s+)*(ci|i|install)\b`), what: "the Cypress that its package fetches lands below /root", elsewhere: cypressElsewhere, when: needsCypress, dirs: []string{".cache"}},
	{word: "yarn", re: regexp.MustCompile(`\byarn(\s+install|\s+-\S+)*\s*($|[&|;])`), what: "the Cypress that its package fetches lands below /root", elsewhere: cypressElsewhere, when: needsCypress, dirs: []string{".cache"}},
	// Packages of R (rstudio.github.io/reticulate, irkernel.github.io/installation).
	{word: "install_miniconda", re: regexp.MustCompile(`\binstall_miniconda\(`), what: "reticulate's Miniconda lands below /root", elsewhere: []string{"RETICULATE_MINICONDA_PATH"}},
	{word: "install_", re: regexp.MustCompile(`\b(tensorflow::install_tensorflow|keras::install_keras)\(`), what: "the environment of reticulate lands below /root", elsewhere: []string{"WORKON_HOME", "RETICULATE_VIRTUALENV_ROOT", "RETICULATE_PYTHON"}},
	{word: "install_phantomjs", re: regexp.MustCompile(`\b(webshot|webdriver)::install_phantomjs\(`), what: "PhantomJS lands below /root"},
	{word: "installspec", re: regexp.MustCompile(`\bIRkernel::installspec\(`), what: "the kernel of R lands below /root", elsewhere: []string{"JUPYTER_DATA_DIR", "XDG_DATA_HOME"}, when: unlessSettled(`installspec\([^)]*(user\s*=\s*f|prefix)`)},
	{word: "--user", re: regexp.MustCompile(`\b(ipykernel|kernelspec|nbextension|serverextension|labextension)\s+(install|enable)\b[^&|;\n]*\s--user\b`), what: "what Jupyter gets with --user lands below /root",
		elsewhere: []string{"JUPYTER_DATA_DIR", "JUPYTER_CONFIG_DIR"}, when: func(p *Pass) bool {
			return p.starts("jupyter") || p.starts("jupyter-lab") || p.starts("jupyter-notebook")
		}},
	// Plugins and versions of tools.
	{word: "helm", re: regexp.MustCompile(`\bhelm\s+plugin\s+install\b`), what: "Helm's plugins land below /root", elsewhere: []string{"HELM_PLUGINS", "HELM_DATA_HOME", "XDG_DATA_HOME", "HELM_HOME"}},
	{word: "krew", re: regexp.MustCompile(`\bkrew\S*\s+install\b`), what: "kubectl's plugins land below /root", elsewhere: []string{"KREW_ROOT"}},
	{word: "extension", re: regexp.MustCompile(`\baz\s+extension\s+add\b`), what: "the extensions of the Azure CLI land below /root", elsewhere: []string{"AZURE_EXTENSION_DIR", "AZURE_CONFIG_DIR"}, when: unlessSettled(`az\s+extension\s+add[^&|;\n]*--system`)},
	{word: "solc-select", re: regexp.MustCompile(`\bsolc-select\s+(install|use)\b`), what: "what solc-select installs lands below /root", elsewhere: []string{"VIRTUAL_ENV"}},
	{word: "foundry", re: regexp.MustCompile(`foundry\.paradigm\.xyz`), what: "Foundry lands below /root", elsewhere: []string{"FOUNDRY_DIR", "XDG_CONFIG_HOME"}},
	{word: "get.volta.sh", re: regexp.MustCompile(`get\.volta\.sh`), what: "Volta lands below /root", elsewhere: []string{"VOLTA_HOME"}},
	{word: "get.pnpm.io", re: regexp.MustCompile(`get\.pnpm\.io/install`), what: "pnpm lands below /root", elsewhere: []string{"PNPM_HOME", "XDG_DATA_HOME"}},
	{word: "clone", re: regexp.MustCompile(`\bgit\s+clone\b[^&|;\n]*\s["']?(~|\$HOME|\$\{HOME\}|/root)/\.(asdf|rbenv|nodenv|pyenv|goenv|phpenv|jenv|tfenv|nvm)\b`), what: "the version manager that it clones lands below /root"},
	// Settings that programs read when they run.
	{word: "--global", re: regexp.MustCompile(`\bbundle\s+config\s+(set\s+)?--global\s+(set\s+)?(path|without|with|deployment|gemfile)\b`), what: "it writes ~/.bundle/config, which Bundler reads", elsewhere: []string{"BUNDLE_USER_HOME", "BUNDLE_USER_CONFIG"}},
	{word: "--global", re: regexp.MustCompile(`\bgit\s+config\s+--global\b`), what: "it writes ~/.gitconfig, which git reads", elsewhere: []string{"GIT_CONFIG_GLOBAL"}, when: func(p *Pass) bool { return p.starts("git") }},
	{word: "configure", re: regexp.MustCompile(`\baws\s+configure\s+set\b`), what: "it writes ~/.aws, which the AWS libraries read", elsewhere: []string{"AWS_CONFIG_FILE"}},
	{word: "ngrok", re: regexp.MustCompile(`\bngrok\s+(authtoken|config\s+add-authtoken)\b`), what: "it writes ngrok's configuration, which lands below /root", elsewhere: []string{"NGROK_CONFIG"}, when: unlessSettled(`ngrok[^&|;\n]*\s--config\b`)},
	{word: "rclone", re: regexp.MustCompile(`\brclone\s+config\s+create\b`), what: "it writes rclone's configuration, which lands below /root", elsewhere: []string{"RCLONE_CONFIG", "XDG_CONFIG_HOME"}, when: unlessSettled(`rclone[^&|;\n]*\s--config\b`)},
}

// nltkElsewhere matches what tells NLTK's downloader another directory (www.nltk.org/data.html).
const nltkElsewhere = `nltk\.download\S*[^&|;\n]*\s-d\s|nltk\.download[^&|;\n]*download_dir`

// cypressElsewhere are what sends the Cypress of its package elsewhere, or does without
// (docs.cypress.io/app/references/advanced-installation).
var cypressElsewhere = []string{"CYPRESS_CACHE_FOLDER", "CYPRESS_INSTALL_BINARY"}

// needsCypress reports whether the image starts a Cypress that the application's packages
// bring: what the install script of the package fetches.
func needsCypress(p *Pass) bool {
	if p.cypressImage() || !p.starts("cypress") {
		return false
	}
	r := &entry.Reader{Image: p.Image, Dir: p.End.Workdir}
	m, ok := r.ManifestIn(path.Join(p.End.Workdir, "package.json"))
	_, has := m.Dependencies["cypress"]
	_, dev := m.DevDependencies["cypress"]
	return ok && (has || dev)
}
