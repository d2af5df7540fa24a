//! The two families of package managers, and what differs between the machines that have them.

/// A family of package managers, as the case's `/etc/os-release` tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// Amazon Linux 2023.
    Dnf,
    /// Ubuntu 22.04.
    Apt,
}

impl Family {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Dnf, Self::Apt];

    /// The folder below `/srv` with its repositories.
    pub fn name(self) -> &'static str {
        match self {
            Self::Dnf => "rpm",
            Self::Apt => "deb",
        }
    }

    /// `/etc/os-release`.
    pub fn os_release(self) -> &'static str {
        match self {
            Self::Dnf => "ID=\"amzn\"\nVERSION_ID=\"2023\"\nPRETTY_NAME=\"Amazon Linux 2023 (bed)\"\n",
            Self::Apt => "ID=ubuntu\nVERSION_ID=\"22.04\"\nPRETTY_NAME=\"Ubuntu 22.04 (bed)\"\n",
        }
    }

    /// The running kernel.
    pub fn kernel(self) -> &'static str {
        match self {
            Self::Dnf => "6.12.40-63.114.amzn2023.x86_64",
            Self::Apt => "6.8.0-1021-aws",
        }
    }

    /// The system's own repository, as a file of the machine: path and text.
    pub fn system_repository(self) -> (&'static str, &'static str) {
        match self {
            Self::Dnf => (
                "etc/yum.repos.d/amazonlinux.repo",
                "[amazonlinux]\nname=system\nbaseurl=file:///srv/rpm/system\nenabled=1\ngpgcheck=1\ngpgkey=file:///srv/system.asc\n",
            ),
            Self::Apt => (
                "etc/apt/sources.list.d/ubuntu.sources",
                "Types: deb\nURIs: file:///srv/deb/system/\nSuites: /\nSigned-By: /srv/system.asc\n",
            ),
        }
    }

    /// The file whose lock keeps others from installing.
    pub fn lock(self) -> &'static str {
        match self {
            Self::Dnf => "/var/lib/rpm/.rpm.lock",
            Self::Apt => "/var/lib/dpkg/lock-frontend",
        }
    }

    /// A shell command that prints `NAME VERSION` of every package with `nvidia` in its name that is installed.
    pub fn list(self) -> &'static str {
        match self {
            Self::Dnf => "rpm -qa --qf '%{NAME} %{VERSION}\\n' '*nvidia*' | sort",
            Self::Apt => {
                "dpkg-query -W -f '${db:Status-Abbrev} ${Package} ${Version}\\n' '*nvidia*' | sed -n 's/^.i  *//p' | sed 's/-[0-9][0-9]*\\(ubuntu[0-9]*\\)\\{0,1\\}$//' | sort"
            }
        }
    }
}
