//! Broker plugins of libruststream, written in Rust: an author implements traits, this crate makes the plugin's table of
//! them, checks what the host asks for, keeps handles, and stops panics at every entry. See README.md.

mod batch;
mod credit;
mod declare;
mod error;
mod headers;
mod host;
mod objects;
mod options;
mod publish;
mod settle;
mod spec;
pub mod sys;
mod table;
mod thread;

pub use batch::{deliver, Delivery};
pub use credit::{Credit, Debit, Tokens};
pub use declare::{cap, option, Capability, Choices, Kind, Opt};
pub use error::{status, Error, Result};
pub use host::{About, Completion, Event, Host};
pub use objects::{Answer, Connection, Life, Opening, Publisher, Subscription};
pub use options::Options;
pub use publish::{Outgoing, Publish, Receipt};
pub use settle::{Item, Settle, Verdict};
pub use spec::{ConnectionSpec, Plan, PublisherSpec, Report, Spec, SubscriptionSpec};
pub use table::{Broker, Identity};

#[doc(hidden)]
pub mod export {
    pub use crate::host::text;
    use crate::sys::*;
    pub use crate::table::table;

    /// The note that hosts read from the file: RST_PLUGIN_NOTE of the header.
    #[repr(C, align(4))]
    pub struct Note<const N: usize> {
        head: rst_elf_note,
        text: [u8; N],
    }

    pub const fn padded(name: &str, version: &str, schemes: &str) -> usize {
        (name.len() + version.len() + schemes.len() + 4) / 4 * 4
    }

    impl<const N: usize> Note<N> {
        pub const fn new(name: &str, version: &str, schemes: &str) -> Self {
            let all = [name.as_bytes(), version.as_bytes(), schemes.as_bytes()];
            let mut text = [0; N];
            let (mut which, mut to) = (0, 0);
            while which < all.len() {
                let mut from = 0;
                while from < all[which].len() {
                    text[to] = all[which][from];
                    from += 1;
                    to += 1;
                }
                which += 1;
            }
            let size = (std::mem::size_of::<rst_note>() + N) as u32;
            let note = rst_note {
                size,
                abi_major: RST_ABI_MAJOR,
                abi_minor: RST_ABI_MINOR,
                runtime: RST_RUNTIME_NONE,
                name_len: name.len() as u16,
                version_len: version.len() as u16,
                schemes_len: schemes.len() as u16,
                reserved: 0,
            };
            let head =
                rst_elf_note { name_size: 11, desc_size: size, r#type: RST_NOTE_TYPE, name: *b"RUSTSTREAM\0\0", note };
            Note { head, text }
        }
    }
}

/// Makes the library's one export, the table, and the note. Once per plugin:
/// `plugin!(MyBroker, "org.example.mine", "0.1.0", "Example", "mine");`
#[macro_export]
macro_rules! plugin {
    ($broker:ty, $name:literal, $version:literal, $vendor:literal, $scheme:literal) => {
        const _: () = {
            use $crate::export::{padded, table, text, Note};

            const SIZE: usize = padded($name, $version, $scheme);
            #[cfg_attr(target_os = "linux", link_section = ".note.ruststream")]
            #[used]
            static NOTE: Note<SIZE> = Note::new($name, $version, $scheme);

            static SCHEMES: [$crate::sys::rst_str; 1] = [text($scheme)];
            static TABLE: $crate::sys::rst_plugin = table::<$broker>($crate::Identity {
                name: $name,
                version: $version,
                vendor: $vendor,
                schemes: &SCHEMES,
            });

            #[no_mangle]
            pub extern "C" fn rst_plugin_v0() -> *const $crate::sys::rst_plugin {
                &TABLE
            }
        };
    };
}
