//! Headers as the host passes them, and whether a kind carries them.
use crate::declare::Kind;
use crate::host::slice;
use crate::sys::*;

/// Names and values.
pub(crate) fn pairs(headers: &[rst_header]) -> impl ExactSizeIterator<Item = (&[u8], &[u8])> {
    // SAFETY: lent for the call, as the slice is.
    headers.iter().map(|each| unsafe {
        (slice(each.name.cast(), usize::from(each.name_len)), slice(each.value, each.value_len as usize))
    })
}

/// Whether a kind carries them as they are (P3): text or bytes, and what its profile allows of them.
pub(crate) fn carries(kind: &Kind, headers: &[rst_header]) -> bool {
    if headers.is_empty() {
        return true;
    }
    let profile = match kind.limit(RST_CAP_HEADERS) {
        Some(profile) => profile,
        None => return false,
    };
    let plain = |text: &[u8]| text.iter().all(|byte| *byte >= 0x20 && *byte != 0x7F);
    let typed = headers.iter().any(|each| each.r#type >= RST_HEADER_NULL || each.flags != 0);
    !typed
        && pairs(headers).all(|(name, value)| {
            (profile & RST_HEADERS_EMPTY != 0 || !value.is_empty())
                && (profile & RST_HEADERS_ANY_VALUE != 0 || plain(value))
                && (profile & RST_HEADERS_ANY_NAME != 0 || !name.is_empty() && plain(name))
        })
}
