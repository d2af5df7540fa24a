//! What a package asks for, of the text that its header says it in.

/// One thing that a package asks for: any of these.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Need(pub(super) Vec<Wanted>);

/// A name, of a package or of what one provides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wanted {
    pub(super) name: String,
    /// In exactly this version. Bounds are left to the package manager: a folder has one build of most things.
    pub(super) version: Option<String>,
}

/// Words of a rich dependency that are no names. Source: rpm's documentation, "Boolean Dependencies".
const OPERATORS: [&str; 7] = ["and", "or", "if", "else", "unless", "with", "without"];

/// Lines `NAME [SIGN VERSION]`, or `(RICH DEPENDENCY)`.
pub(super) fn of_rpm(text: &str) -> Vec<Need> {
    let plain = |line: &&str| !line.starts_with('/') && !line.starts_with("rpmlib(") && !line.is_empty();
    text.lines().map(str::trim).filter(plain).flat_map(line_of_rpm).collect()
}

fn line_of_rpm(line: &str) -> Vec<Need> {
    let Some(rich) = line.strip_prefix('(') else {
        return wanted_of_rpm(line).map(|wanted| Need(vec![wanted])).into_iter().collect();
    };
    let is_choice = rich.split_whitespace().any(|word| word == "or");
    let mut all = Vec::new();
    let mut words = Vec::new();
    // A bracket that opens at a word's begin is the expression's; others are the name's, as in `libc.so.6()(64bit)`.
    for word in rich.split_whitespace().map(|word| word.trim_start_matches('(')).chain(["and"]) {
        if OPERATORS.contains(&word) {
            all.extend(wanted_of_rpm(words.join(" ").trim_end_matches(')')));
            words.clear();
        } else {
            words.push(word);
        }
    }
    if is_choice { vec![Need(all)] } else { all.into_iter().map(|wanted| Need(vec![wanted])).collect() }
}

fn wanted_of_rpm(text: &str) -> Option<Wanted> {
    let mut words = text.split_whitespace();
    let name = words.next()?.to_owned();
    let version = words.next().filter(|sign| *sign == "=").and_then(|_| words.next()).map(str::to_owned);
    Some(Wanted { name, version })
}

/// `a (= 1), b | c:any (>= 2)`
pub(super) fn of_deb(text: &str) -> Vec<Need> {
    let needs = text.split(',').map(|group| group.split('|').filter_map(wanted_of_deb).collect::<Vec<_>>());
    needs.filter(|group| !group.is_empty()).map(Need).collect()
}

/// The names alone.
pub(super) fn names_of_deb(text: &str) -> Vec<String> {
    text.split(',').filter_map(wanted_of_deb).map(|wanted| wanted.name).collect()
}

fn wanted_of_deb(text: &str) -> Option<Wanted> {
    let (name, bound) = text.split_once('(').unwrap_or((text, ""));
    let name = name.trim().split(':').next().filter(|name| !name.is_empty())?.to_owned();
    let version =
        bound.trim().strip_prefix('=').map(|rest| rest.trim().trim_end_matches(')').trim().to_owned());
    Some(Wanted { name, version })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn shown(needs: &[Need]) -> Vec<String> {
        let one = |wanted: &Wanted| match &wanted.version {
            Some(version) => format!("{}={version}", wanted.name),
            None => wanted.name.clone(),
        };
        needs.iter().map(|Need(any)| any.iter().map(one).collect::<Vec<_>>().join("|")).collect()
    }

    #[test]
    fn what_packages_ask_for() {
        let text = "/bin/sh  \nlibc.so.6(GLIBC_2.34)(64bit)  \nrpmlib(FileDigests) <= 4.6.0-1\nnvidia-kmod = 3:580.95.05\n\
            (kmod-nvidia-open-dkms = 3:580 or kmod-nvidia-latest-dkms)  \n(gcc if kernel-devel(x86-64))  \ndkms >= 3\n";
        assert_eq!(
            shown(&of_rpm(text)),
            [
                "libc.so.6(GLIBC_2.34)(64bit)",
                "nvidia-kmod=3:580.95.05",
                "kmod-nvidia-open-dkms=3:580|kmod-nvidia-latest-dkms",
                "gcc",
                "kernel-devel(x86-64",
                "dkms",
            ]
        );
        let text = ", libc6 (>= 2.34), nvidia-dkms-580 (= 580.95.05-0ubuntu1) | nvidia-dkms-580-open (<= 580), perl:any";
        assert_eq!(
            shown(&of_deb(text)),
            ["libc6", "nvidia-dkms-580=580.95.05-0ubuntu1|nvidia-dkms-580-open", "perl"]
        );
        assert_eq!(names_of_deb("nvidia-kernel-580 (= 1), x"), ["nvidia-kernel-580", "x"]);
        assert!(of_deb(", ").is_empty() && of_rpm("").is_empty() && names_of_deb("").is_empty());
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_harm(text in "(\\PC|[|:,()= \\n]){0,200}") {
            let _ = (of_rpm(&text), of_deb(&text), names_of_deb(&text));
        }
    }
}
