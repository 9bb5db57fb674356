//! The user's options: checked against what is declared, all mistakes at once and each by name (O1), and then read.
use crate::declare::Opt;
use crate::error::{Error, Result};
use crate::host::{bytes, slice};
use crate::spec::Report;
use crate::sys::*;
use std::time::Duration;

/// The options of one spec, with the declared default where none is given. Borrowed for the call.
#[derive(Clone, Copy)]
pub struct Options<'a> {
    pub(crate) declared: &'static [Opt],
    pub(crate) given: &'a [rst_option],
}

impl<'a> Options<'a> {
    fn value(&self, name: &str) -> (rst_option_decl, Option<rst_value>) {
        let index = self.declared.iter().position(|each| each.name() == name);
        let index = index.unwrap_or_else(|| panic!("the plugin reads the option {name}, and does not declare it"));
        let given = self.given.iter().find(|each| usize::from(each.decl) == index);
        (self.declared[index].0, given.map(|each| each.value))
    }

    fn number(&self, name: &str) -> u64 {
        let (decl, given) = self.value(name);
        let default = || parse(static_default(&decl), decl.r#type);
        given.map(|value| value.r#as).or_else(default).unwrap_or(0)
    }

    pub fn u64(&self, name: &str) -> u64 {
        self.number(name)
    }
    pub fn duration(&self, name: &str) -> Duration {
        Duration::from_nanos(self.number(name))
    }
    /// Empty where it is neither given nor has a default.
    pub fn text(&self, name: &str) -> &'a [u8] {
        let (decl, given) = self.value(name);
        match given {
            // SAFETY: validated to be a text; lent for the call.
            Some(value) => unsafe { slice(value.r#as as *const u8, value.len as usize) },
            None => static_default(&decl).as_bytes(),
        }
    }
}

fn static_default(decl: &rst_option_decl) -> &'static str {
    Opt(*decl).default_text()
}

/// A declared default, of a number.
fn parse(text: &str, kind: u16) -> Option<u64> {
    const DURATIONS: [(&str, u64); 6] = [
        ("ns", 1),
        ("us", 1000),
        ("ms", 1_000_000),
        ("s", 1_000_000_000),
        ("m", 60_000_000_000),
        ("h", 3_600_000_000_000),
    ];
    const SIZES: [(&str, u64); 4] = [("B", 1), ("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30)];
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let units: &[(&str, u64)] = match kind {
        RST_TYPE_DURATION => &DURATIONS,
        RST_TYPE_SIZE => &SIZES,
        RST_TYPE_BOOL => return Some(u64::from(text == "true")),
        _ => &[("", 1)],
    };
    let factor = units.iter().find(|each| each.0 == unit)?.1;
    number.parse::<u64>().ok()?.checked_mul(factor)
}

fn applies(decl: &rst_option_decl, scope: u32, kind: Option<u32>) -> bool {
    let of_kind = kind.map_or(true, |kind| decl.kinds == 0 || kind >= 64 || decl.kinds >> kind & 1 != 0);
    decl.scopes & scope != 0 && of_kind
}

fn check_value(opt: &Opt, value: &rst_value) -> Result<()> {
    let (decl, name) = (&opt.0, opt.name());
    let wrong = |must: String| Err(Error::new(RST_E_OPTION, format!("option `{name}` must be {must}")));
    if value.r#type != decl.r#type {
        const TYPES: [&str; 12] = [
            "nothing",
            "true or false",
            "a whole number",
            "a number from 0",
            "a number",
            "text",
            "bytes",
            "a duration",
            "a size",
            "one of a list",
            "a path",
            "a URL",
        ];
        return wrong(TYPES[usize::from(decl.r#type) % TYPES.len()].into());
    }
    let signed = value.r#as as i64; // beyond i64 it is negative, and out of any range of an unsigned type
    let in_range = (decl.min, decl.max) == (0, 0) || (decl.min..=decl.max).contains(&signed);
    match decl.r#type {
        RST_TYPE_I64 | RST_TYPE_U64 | RST_TYPE_DURATION | RST_TYPE_SIZE if !in_range => {
            let unit = match decl.r#type {
                RST_TYPE_DURATION => " ns",
                RST_TYPE_SIZE => " bytes",
                _ => "",
            };
            wrong(format!("from {} to {}{unit}", decl.min, decl.max))
        }
        RST_TYPE_ENUM => {
            // SAFETY: of that type; lent for the call.
            let text = unsafe { slice(value.r#as as *const u8, value.len as usize) };
            if opt.choice_texts().any(|choice| choice.as_bytes() == text) {
                return Ok(());
            }
            wrong(format!("one of: {}", opt.choice_texts().collect::<Vec<_>>().join(", ")))
        }
        _ => Ok(()),
    }
}

pub(crate) fn check(options: Options, scope: u32, kind: Option<u32>, report: &mut Report) {
    const SCOPES: [&str; 6] =
        ["a connection", "a subscription", "a publisher", "a message", "administration", "a transaction"];
    for given in options.given {
        // SAFETY: lent for the call.
        let name = String::from_utf8_lossy(unsafe { bytes(given.name) });
        let unsuitable = |what: String| Error::new(RST_E_OPTION, format!("option `{name}` {what}"));
        match options.declared.get(usize::from(given.decl)) {
            None => report.issue(unsuitable("is not known; remove it or correct its name".into())),
            Some(opt) if !applies(&opt.0, scope, kind) => {
                let place = SCOPES[scope.trailing_zeros() as usize % SCOPES.len()];
                report.issue(unsuitable(format!("is not for {place} of this kind; remove it")));
            }
            Some(opt) => {
                if let Err(error) = check_value(opt, &given.value) {
                    report.issue(error);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_are_read_as_a_user_writes_them() {
        for (text, kind, expected) in [
            ("30s", RST_TYPE_DURATION, Some(30_000_000_000)),
            ("200ms", RST_TYPE_DURATION, Some(200_000_000)),
            ("8MiB", RST_TYPE_SIZE, Some(8 << 20)),
            ("17", RST_TYPE_U64, Some(17)),
            ("true", RST_TYPE_BOOL, Some(1)),
            ("17 apples", RST_TYPE_U64, None),
            ("30 s", RST_TYPE_DURATION, None),
            ("", RST_TYPE_U64, None),
        ] {
            assert_eq!(parse(text, kind), expected, "{text}");
        }
    }
}
