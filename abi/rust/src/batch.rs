//! Batches: the plugin's memory, lent to the host until it calls release (M1, M2).
use crate::host::{About, Host};
use crate::sys::*;
use std::mem::size_of;
use std::ptr;

/// One message as it came from the broker. Moved into its batch, never copied.
#[derive(Default)]
pub struct Delivery {
    pub payload: Vec<u8>,
    /// Names and values, of type bytes. What the contract has no room for is left out, and logged: names of more than
    /// 65,535 bytes, and more headers than that.
    pub headers: Vec<(Vec<u8>, Vec<u8>)>,
    /// Where it was published; empty = the subscription's address.
    pub address: Vec<u8>,
    /// 0 = nothing to settle.
    pub token: u64,
    /// 1-based, 0 = unknown.
    pub attempt: u16,
    pub redelivered: bool,
}

impl Delivery {
    /// What it costs of the byte balance.
    pub fn bytes(&self) -> u64 {
        let headers = self.headers.iter().map(|(name, value)| name.len() + value.len());
        (self.payload.len() + headers.sum::<usize>()) as u64
    }
}

const MOST: usize = u16::MAX as usize; // headers of a message, and bytes of a header's name

/// `raw` comes first: the host's pointer to it is the one to the whole. The rest is what it points to; vectors do not move
/// what they hold when they are moved.
#[repr(C)]
struct Lent {
    raw: rst_batch,
    messages: Vec<rst_message>,
    metas: Vec<rst_message_meta>,
    headers: Vec<rst_header>,
    deliveries: Vec<Delivery>,
}

static OPS: rst_batch_ops = rst_batch_ops {
    struct_size: size_of::<rst_batch_ops>() as u32,
    reserved0: 0,
    release: Some(release),
    field: None,
    position: None,
    reserved1: ptr::null(),
};

/// Frees memory and settles nothing.
unsafe extern "C" fn release(batch: *mut rst_batch) {
    drop(Box::from_raw(batch.cast::<Lent>()));
}

/// Hands deliveries of one subscription (the host's id) to the host. Refused ones come back with the code: they go back to
/// the broker unprocessed.
pub fn deliver(host: Host, subscription: u64, mut deliveries: Vec<Delivery>) -> Result<(), (i32, Vec<Delivery>)> {
    for headers in deliveries.iter_mut().map(|each| &mut each.headers) {
        let all = headers.len();
        headers.retain(|(name, _)| name.len() <= MOST);
        headers.truncate(MOST);
        if headers.len() != all {
            let text = || format!("{} headers of a message are left out: too many, or too long", all - headers.len());
            host.log(RST_LOG_WARN, About { connection: 0, subject: subscription }, text);
        }
    }
    let batch = Box::into_raw(Box::new(Lent::new(subscription, deliveries)));
    // SAFETY: whole. The host owns it unless this is an error, and then nobody else does.
    match unsafe { host.deliver(batch.cast()) } {
        code if code < 0 => {
            let refused = *unsafe { Box::from_raw(batch) };
            Err((-code, refused.deliveries))
        }
        _ => Ok(()),
    }
}

impl Lent {
    fn new(subscription: u64, deliveries: Vec<Delivery>) -> Self {
        let mut lent = Lent {
            raw: rst_batch {
                struct_size: size_of::<rst_batch>() as u32,
                stride: size_of::<rst_message>() as u32,
                messages: ptr::null(),
                count: deliveries.len() as u32,
                flags: 0,
                subscription,
                ops: &OPS,
                bytes: deliveries.iter().map(Delivery::bytes).sum(),
                host: [0; 2],
                timestamps: ptr::null(),
                received_ns: 0,
                generation: 0,
                reserved0: 0,
                plugin: ptr::null_mut(),
                reserved1: [0; 4],
            },
            messages: Vec::with_capacity(deliveries.len()),
            metas: deliveries.iter().map(|each| meta(&each.address)).collect(),
            headers: Vec::with_capacity(deliveries.iter().map(|each| each.headers.len()).sum()),
            deliveries,
        };
        for (each, meta) in lent.deliveries.iter().zip(&lent.metas) {
            let first = lent.headers.len();
            lent.headers.extend(each.headers.iter().map(|(name, value)| header(name, value))); // within its capacity
            let headers = if each.headers.is_empty() { ptr::null() } else { lent.headers[first..].as_ptr() };
            lent.messages.push(rst_message {
                payload: each.payload.as_ptr(),
                payload_len: each.payload.len() as u64,
                token: each.token,
                headers,
                key: ptr::null(),
                meta: if each.address.is_empty() { ptr::null() } else { meta as *const _ },
                key_len: 0,
                header_count: each.headers.len() as u16,
                attempt: each.attempt,
                flags: if each.redelivered { RST_MESSAGE_REDELIVERED } else { 0 },
                partition: 0,
            });
        }
        lent.raw.messages = lent.messages.as_ptr();
        lent
    }
}

fn header(name: &[u8], value: &[u8]) -> rst_header {
    rst_header {
        name: name.as_ptr().cast(),
        value: value.as_ptr(),
        value_len: value.len() as u32,
        name_len: name.len() as u16,
        r#type: RST_HEADER_BYTES,
        flags: 0,
    }
}

fn meta(address: &[u8]) -> rst_message_meta {
    rst_message_meta {
        struct_size: size_of::<rst_message_meta>() as u32,
        address_len: address.len() as u32,
        reply_to_len: 0,
        correlation_len: 0,
        message_id_len: 0,
        content_type_len: 0,
        address: address.as_ptr().cast(),
        reply_to: ptr::null(),
        correlation: ptr::null(),
        message_id: ptr::null(),
        content_type: ptr::null(),
    }
}
