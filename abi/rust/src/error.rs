//! Errors are values: a code, what to do about it, and a sentence that names the culprit and the remedy.
use crate::sys::*;

pub type Result<T> = std::result::Result<T, Error>;

/// What goes wrong. What stands between the first pair of backticks in its text is the culprit that hosts point at. Never
/// carries a secret (O2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// RST_E_
    pub code: i32,
    /// RST_ERROR_
    pub flags: u32,
    pub text: String,
}

impl Error {
    pub fn new(code: i32, text: impl Into<String>) -> Self {
        Error { code, flags: 0, text: text.into() }
    }

    /// Of a negative status.
    pub(crate) fn of(status: i32, text: &str) -> Self {
        Error { code: -status & 0xFF, flags: (-status) as u32 >> 8, text: text.into() }
    }

    #[must_use]
    pub fn with(mut self, flags: u32) -> Self {
        self.flags |= flags;
        self
    }

    /// As a status of a message, a settlement or a completion.
    pub fn status(&self) -> i32 {
        status(self.code, self.flags)
    }

    pub(crate) fn raw(&self) -> rst_error {
        // SAFETY: all of its fields are numbers, for which zero is a value.
        let mut raw: rst_error = unsafe { std::mem::zeroed() };
        let mut len = self.text.len().min(raw.text.len());
        while !self.text.is_char_boundary(len) {
            len -= 1;
        }
        raw.code = self.code;
        raw.flags = self.flags;
        raw.text_len = len as u16;
        raw.text[..len].copy_from_slice(&self.text.as_bytes()[..len]);
        let mut ticks = self.text[..len].match_indices('`');
        if let (Some((first, _)), Some((second, _))) = (ticks.next(), ticks.next()) {
            raw.subject_off = first as u16 + 1;
            raw.subject_len = (second - first) as u16 - 1;
        }
        raw
    }
}

/// A negative status that carries code and flags, as the header's rst_status.
pub const fn status(code: i32, flags: u32) -> i32 {
    -(code | (flags << 8) as i32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_names_its_subject_and_is_cut_at_a_character() {
        let raw = Error::new(RST_E_OPTION, "option `keepalive` must be a duration").with(RST_ERROR_USER).raw();
        let subject = &raw.text[raw.subject_off as usize..][..raw.subject_len as usize];
        assert_eq!((raw.code, raw.flags, subject), (RST_E_OPTION, RST_ERROR_USER, &b"keepalive"[..]));
        let long = Error::new(RST_E_INTERNAL, "é".repeat(400)).raw();
        assert!(std::str::from_utf8(&long.text[..long.text_len as usize]).is_ok());
        assert_eq!(status(RST_E_TIMEOUT, RST_ERROR_RETRYABLE), -(11 | 1 << 8));
    }
}
