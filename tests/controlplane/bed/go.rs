//! Builds the control plane's executables from Go modules, once per version of their
//! inputs and of Go, into the user's cache folder.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use sha2::{Digest, Sha256};

use super::failure::{Context, Failure, Result};
use super::supervisor;

/// A Go module of this folder and the executable that comes out of it.
struct Module {
    /// Also the name of the executable.
    name: &'static str,
    /// The package to build.
    package: &'static str,
    /// The oldest Go release that builds it.
    needs: GoVersion,
    /// Values for `-X`, so that the components report the version they are.
    stamps: &'static str,
    /// What the first build takes, for the person who waits.
    takes: &'static str,
    /// Names and contents of the files that define it.
    files: &'static [(&'static str, &'static str)],
    /// The module whose CRDs go beside the executable, and the folders they are in.
    definitions: Option<(&'static str, &'static [&'static str])>,
}

const KUBERNETES: Module = Module {
    name: "kubernetes",
    package: ".",
    needs: GoVersion([1, 26, 0]),
    stamps: "-X k8s.io/component-base/version.gitVersion=v1.36.3 \
             -X k8s.io/component-base/version.gitMajor=1 \
             -X k8s.io/component-base/version.gitMinor=36",
    takes: "5 to 10 minutes",
    files: &[
        ("go.mod", include_str!("../go/kubernetes/go.mod")),
        ("go.sum", include_str!("../go/kubernetes/go.sum")),
        ("main.go", include_str!("../go/kubernetes/main.go")),
    ],
    definitions: None,
};

const KWOK: Module = Module {
    name: "kwok",
    package: "sigs.k8s.io/kwok/cmd/kwok",
    needs: GoVersion([1, 26, 0]),
    stamps: "",
    takes: "2 to 4 minutes",
    files: &[
        ("go.mod", include_str!("../go/kwok/go.mod")),
        ("go.sum", include_str!("../go/kwok/go.sum")),
        ("tools.go", include_str!("../go/kwok/tools.go")),
    ],
    definitions: None,
};

/// Karpenter of a version, whose module file is in a folder of that name.
macro_rules! karpenter {
    ($version:literal) => {
        Module {
            name: "karpenter",
            package: "sigs.k8s.io/karpenter/kwok",
            needs: GoVersion([1, 26, 6]),
            stamps: concat!("-X sigs.k8s.io/karpenter/pkg/operator.Version=", $version),
            takes: "2 to 4 minutes",
            files: &[
                ("go.mod", include_str!(concat!("../go/karpenter/", $version, "/go.mod"))),
                ("go.sum", include_str!(concat!("../go/karpenter/", $version, "/go.sum"))),
                ("tools.go", include_str!("../go/karpenter/tools.go")),
            ],
            // The chart's folder has KWOKNodeClass only as a symbolic link, which module zips drop.
            definitions: Some(("sigs.k8s.io/karpenter", &["kwok/charts/crds", "kwok/apis/crds"])),
        }
    };
}

static KARPENTER_1_4: Module = karpenter!("1.4.0");
static KARPENTER_1_8: Module = karpenter!("1.8.2");
static KARPENTER_1_11: Module = karpenter!("1.11.2");
static KARPENTER_1_12: Module = karpenter!("1.12.1");
static KARPENTER_1_13: Module = karpenter!("1.13.0");
static KARPENTER_1_14: Module = karpenter!("1.14.1");

/// A version of Karpenter that a bed can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Karpenter {
    V1_4,
    V1_8,
    V1_11,
    V1_12,
    V1_13,
    /// The one of every bed that asks for no other.
    V1_14,
}

impl Karpenter {
    /// Every version.
    pub const ALL: [Self; 6] = [Self::V1_4, Self::V1_8, Self::V1_11, Self::V1_12, Self::V1_13, Self::V1_14];

    /// As it calls itself, and as its image would be tagged.
    pub const fn version(self) -> &'static str {
        match self {
            Self::V1_4 => "1.4.0",
            Self::V1_8 => "1.8.2",
            Self::V1_11 => "1.11.2",
            Self::V1_12 => "1.12.1",
            Self::V1_13 => "1.13.0",
            Self::V1_14 => "1.14.1",
        }
    }

    const fn module(self) -> &'static Module {
        match self {
            Self::V1_4 => &KARPENTER_1_4,
            Self::V1_8 => &KARPENTER_1_8,
            Self::V1_11 => &KARPENTER_1_11,
            Self::V1_12 => &KARPENTER_1_12,
            Self::V1_13 => &KARPENTER_1_13,
            Self::V1_14 => &KARPENTER_1_14,
        }
    }
}

const GOJQ: Module = Module {
    name: "gojq",
    package: "github.com/itchyny/gojq/cmd/gojq",
    needs: GoVersion([1, 26, 0]),
    stamps: "",
    takes: "half a minute",
    files: &[
        ("go.mod", include_str!("../go/gojq/go.mod")),
        ("go.sum", include_str!("../go/gojq/go.sum")),
        ("tools.go", include_str!("../go/gojq/tools.go")),
    ],
    definitions: None,
};

/// Those of every bed.
const MODULES: [&Module; 4] = [&KUBERNETES, &KWOK, &KARPENTER_1_14, &GOJQ];

/// Where everything that a bed runs lies.
#[derive(Debug, Clone)]
pub struct Binaries {
    /// etcd, kube-apiserver, kube-scheduler, kube-controller-manager and kubectl in
    /// one file: the first argument says which.
    pub kubernetes: PathBuf,
    /// The KWOK controller.
    pub kwok: PathBuf,
    /// Karpenter with its KWOK cloud provider.
    pub karpenter: PathBuf,
    /// jq, to add up what kubectl prints.
    pub jq: PathBuf,
    /// A folder of CustomResourceDefinitions, those of Karpenter's module.
    pub definitions: PathBuf,
}

/// An installed Go that can build every module.
#[derive(Debug, Clone)]
pub struct Toolchain {
    version: String,
}

/// Why there is no usable Go, in words.
#[derive(Debug, Clone)]
pub struct Missing(pub String);

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct GoVersion([u32; 3]);

impl Module {
    /// Its name, and the version that it is stamped with.
    fn title(&self) -> String {
        match self.stamps.rsplit_once("operator.Version=") {
            Some((_, version)) => format!("{} {version}", self.name),
            None => self.name.to_owned(),
        }
    }
}

impl Toolchain {
    /// Asks the `go` on PATH for its version. Go's habit of fetching a newer
    /// toolchain is turned off: what is installed is used or refused.
    pub fn find() -> Result<Self, Missing> {
        let output = Command::new("go")
            .args(["env", "GOVERSION"])
            .env("GOTOOLCHAIN", "local")
            .output()
            .map_err(|error| Missing(format!("no Go toolchain: running `go` failed: {error}")))?;
        let version = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        let found =
            GoVersion::parse(&version).ok_or_else(|| Missing(format!("`go env GOVERSION` says {version:?}")))?;
        match MODULES.iter().find(|module| found < module.needs) {
            None => Ok(Self { version }),
            Some(module) => {
                let GoVersion([major, minor, patch]) = module.needs;
                Err(Missing(format!("{version} is too old: {} needs Go {major}.{minor}.{patch} or newer", module.name)))
            }
        }
    }

    /// The executables with this Karpenter, built now where the cache does not have them.
    pub fn binaries(&self, karpenter: Karpenter) -> Result<Binaries> {
        let cache = cache_folder()?;
        fs::create_dir_all(&cache).context(cache.display())?;
        let kubernetes = self.provide(&KUBERNETES, &cache)?;
        let kwok = self.provide(&KWOK, &cache)?;
        let (module, karpenter) = (karpenter.module(), self.provide(karpenter.module(), &cache)?);
        let jq = self.provide(&GOJQ, &cache)?;
        Ok(Binaries {
            kubernetes: kubernetes.join(KUBERNETES.name),
            kwok: kwok.join(KWOK.name),
            jq: jq.join(GOJQ.name),
            definitions: karpenter.join("crds"),
            karpenter: karpenter.join(module.name),
        })
    }

    /// The folder with a module's products. A lock file makes several processes that
    /// want the same build do it once; a folder under its final name is complete.
    fn provide(&self, module: &Module, cache: &Path) -> Result<PathBuf> {
        let key = self.key(module);
        let finished = cache.join(&key);
        if finished.exists() {
            return Ok(finished);
        }
        let lock_path = cache.join(format!("{key}.lock"));
        let lock = File::create(&lock_path).context(lock_path.display())?;
        lock.lock().context(lock_path.display())?;
        if !finished.exists() {
            build_into(module, &cache.join(format!("{key}.partial")), &finished)?;
        }
        Ok(finished)
    }

    /// Name of a module's folder: changes with everything that its build depends on.
    fn key(&self, module: &Module) -> String {
        let mut hash = Sha256::new();
        let target = format!("{} {}", std::env::consts::OS, std::env::consts::ARCH);
        for part in [&self.version, &target, module.package, module.stamps] {
            hash.update(part);
            hash.update([0]);
        }
        for (name, content) in module.files {
            hash.update(name);
            hash.update([0]);
            hash.update(content);
            hash.update([0]);
        }
        let digest = hash.finalize();
        let start = digest.iter().take(8).fold(0_u64, |bits, byte| bits << 8 | u64::from(*byte));
        format!("{}-{start:016x}", module.name)
    }
}

impl GoVersion {
    /// Reads `go1.26.8`, `go1.26`, `go1.27rc1`, `go1.26.8 X:experiment`.
    fn parse(text: &str) -> Option<Self> {
        let mut numbers = text.strip_prefix("go")?.split('.').map(|part| {
            let digits = part.find(|c: char| !c.is_ascii_digit()).unwrap_or(part.len());
            part[..digits].parse::<u32>().ok()
        });
        let major = numbers.next()??;
        let minor = numbers.next()??;
        let patch = numbers.next().flatten().unwrap_or(0);
        Some(Self([major, minor, patch]))
    }
}

/// `$XDG_CACHE_HOME/batchtop/controlplane`, by default under `~/.cache`.
fn cache_folder() -> Result<PathBuf> {
    let base = match std::env::var_os("XDG_CACHE_HOME").filter(|path| !path.is_empty()) {
        Some(path) => PathBuf::from(path),
        None => std::env::home_dir().context("no home folder")?.join(".cache"),
    };
    Ok(base.join("batchtop").join("controlplane"))
}

/// Builds in a folder of its own, then gives it its final name in one step.
fn build_into(module: &Module, partial: &Path, finished: &Path) -> Result<()> {
    announce(module);
    if partial.exists() {
        fs::remove_dir_all(partial).context(partial.display())?;
    }
    let source = partial.join("source");
    fs::create_dir_all(&source).context(source.display())?;
    for (name, content) in module.files {
        fs::write(source.join(name), content).context(name)?;
    }
    compile(module, &source, &partial.join(module.name))?;
    if let Some((dependency, folders)) = module.definitions {
        copy_definitions(dependency, folders, &source, &partial.join("crds"))?;
    }
    fs::remove_dir_all(&source).context(source.display())?;
    fs::rename(partial, finished).context(finished.display())
}

fn announce(module: &Module) {
    let _ = writeln!(
        std::io::stderr(),
        "building {} for the test control plane; the first time this takes {}",
        module.title(),
        module.takes
    );
}

fn compile(module: &Module, source: &Path, executable: &Path) -> Result<()> {
    let linker = format!("-s -w {}", module.stamps);
    let mut command = go(source)?;
    command
        .args(["build", "-trimpath", "-mod=readonly", "-buildvcs=false", "-ldflags", &linker, "-o"])
        .arg(executable)
        .arg(module.package);
    run(&mut command, &format!("building {}", module.title())).map(drop)
}

/// Copies the YAML files of some folders of a module in Go's module cache.
fn copy_definitions(dependency: &str, folders: &[&str], source: &Path, to: &Path) -> Result<()> {
    let mut command = go(source)?;
    command.args(["list", "-mod=readonly", "-m", "-f", "{{.Dir}}", dependency]);
    let output = run(&mut command, &format!("finding {dependency}"))?;
    let module = PathBuf::from(String::from_utf8_lossy(&output.stdout).trim());
    fs::create_dir_all(to).context(to.display())?;
    for folder in folders {
        let folder = module.join(folder);
        for entry in fs::read_dir(&folder).context(folder.display())? {
            let path = entry.context(folder.display())?.path();
            if path.extension().is_some_and(|extension| extension == "yaml") {
                let content = fs::read(&path).context(path.display())?;
                let name = path.file_name().context(path.display())?;
                fs::write(to.join(name), content).context(path.display())?;
            }
        }
    }
    Ok(())
}

/// `go` in a module's folder, shielded from the user's workspaces and flags.
fn go(source: &Path) -> Result<Command> {
    let mut command = supervisor::mortal(Path::new("go"))?;
    command
        .current_dir(source)
        .env("GOTOOLCHAIN", "local")
        .env("GOWORK", "off")
        .env("GOFLAGS", "")
        .env("CGO_ENABLED", "0");
    Ok(command)
}

fn run(command: &mut Command, doing: &str) -> Result<Output> {
    let output = command.output().context(doing)?;
    if output.status.success() {
        return Ok(output);
    }
    let errors = String::from_utf8_lossy(&output.stderr);
    Err(Failure::new(format!("{doing}: {}\n{errors}", output.status)))
}
