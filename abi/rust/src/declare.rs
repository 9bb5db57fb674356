//! What a plugin declares: kinds with their capabilities, and options. Built at compile time.
use crate::host::{bytes, slice, text};
use crate::sys::*;

/// One ability of a kind, NATIVE and without a limit unless said otherwise.
#[repr(transparent)]
#[derive(Clone, Copy)]
pub struct Capability(pub(crate) rst_capability);

pub const fn cap(id: u32) -> Capability {
    Capability(rst_capability { id, level: RST_LEVEL_NATIVE, flags: 0, limit: 0 })
}

impl Capability {
    #[must_use]
    pub const fn level(mut self, level: u16) -> Self {
        self.0.level = level;
        self
    }
    #[must_use]
    pub const fn flags(mut self, flags: u16) -> Self {
        self.0.flags = flags;
        self
    }
    #[must_use]
    pub const fn limit(mut self, limit: u64) -> Self {
        self.0.limit = limit;
        self
    }
}

/// One kind; the first that a plugin declares is the default.
#[repr(transparent)]
pub struct Kind(pub(crate) rst_kind);

// SAFETY: immutable, and points to what is static.
unsafe impl Sync for Kind {}
unsafe impl Send for Kind {}

impl Kind {
    /// `roles` are RST_ROLE_, `doc` is one line.
    pub const fn new(name: &'static str, doc: &'static str, roles: u32, caps: &'static [Capability]) -> Self {
        let cap_count = caps.len() as u32;
        Kind(rst_kind { name: text(name), doc: text(doc), caps: caps.as_ptr() as *const _, cap_count, roles })
    }

    pub fn name(&self) -> &'static str {
        // SAFETY: made of a static str.
        unsafe { std::str::from_utf8_unchecked(bytes(self.0.name)) }
    }

    pub(crate) fn caps(&self) -> &'static [rst_capability] {
        // SAFETY: made of a static slice.
        unsafe { slice(self.0.caps, self.0.cap_count as usize) }
    }

    /// The limit of a capability; None where the kind has it not.
    pub fn limit(&self, id: u32) -> Option<u64> {
        let found = self.caps().iter().find(|cap| cap.id == id && cap.level != RST_LEVEL_NONE);
        found.map(|cap| cap.limit)
    }
    pub fn can(&self, id: u32) -> bool {
        self.limit(id).is_some()
    }
}

/// One option.
#[repr(transparent)]
pub struct Opt(pub(crate) rst_option_decl);

// SAFETY: immutable, and points to what is static.
unsafe impl Sync for Opt {}
unsafe impl Send for Opt {}

/// `kind` is RST_TYPE_, `scopes` are RST_SCOPE_, `doc` is one line.
pub const fn option(name: &'static str, kind: u16, scopes: u32, doc: &'static str) -> Opt {
    Opt(rst_option_decl {
        name: text(name),
        doc: text(doc),
        default_text: text(""),
        alias: text(""),
        choices: std::ptr::null(),
        min: 0,
        max: 0,
        kinds: 0,
        scopes,
        flags: 0,
        choice_count: 0,
        r#type: kind,
        unit: match kind {
            RST_TYPE_DURATION => RST_UNIT_MILLISECOND,
            RST_TYPE_SIZE => RST_UNIT_BYTE,
            _ => RST_UNIT_NONE,
        },
    })
}

/// The texts that an option may be.
pub struct Choices<const N: usize>([rst_str; N]);

// SAFETY: immutable, and points to what is static.
unsafe impl<const N: usize> Sync for Choices<N> {}

impl<const N: usize> Choices<N> {
    pub const fn new(texts: [&'static str; N]) -> Self {
        let mut made = [text(""); N];
        let mut at = 0;
        while at < N {
            made[at] = text(texts[at]);
            at += 1;
        }
        Choices(made)
    }
}

impl Opt {
    /// As a user would write it.
    #[must_use]
    pub const fn default(mut self, default: &'static str) -> Self {
        self.0.default_text = text(default);
        self
    }
    /// Of numbers; nanoseconds and bytes.
    #[must_use]
    pub const fn range(mut self, min: i64, max: i64) -> Self {
        self.0.min = min;
        self.0.max = max;
        self
    }
    #[must_use]
    pub const fn secret(mut self) -> Self {
        self.0.flags |= RST_OPTION_SECRET;
        self
    }
    /// A bit for each kind, by its index.
    #[must_use]
    pub const fn kinds(mut self, kinds: u64) -> Self {
        self.0.kinds = kinds;
        self
    }
    #[must_use]
    pub const fn choices<const N: usize>(mut self, choices: &'static Choices<N>) -> Self {
        self.0.choices = choices.0.as_ptr();
        self.0.choice_count = N as u32;
        self
    }

    pub fn name(&self) -> &'static str {
        static_text(self.0.name)
    }
    pub(crate) fn default_text(&self) -> &'static str {
        static_text(self.0.default_text)
    }
    pub(crate) fn choice_texts(&self) -> impl Iterator<Item = &'static str> {
        // SAFETY: made of static Choices.
        let choices: &'static [rst_str] = unsafe { slice(self.0.choices, self.0.choice_count as usize) };
        choices.iter().map(|each| static_text(*each))
    }
}

fn static_text(text: rst_str) -> &'static str {
    // SAFETY: declarations are made of static strs.
    unsafe { std::str::from_utf8_unchecked(bytes(text)) }
}
