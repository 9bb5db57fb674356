use crate::link::Link;
use ruststream_plugin::{sys::*, Choices, Error, Opening, Subscription, SubscriptionSpec};
use std::sync::Arc;
pub const MAX_BATCH: usize = 256;
pub static STARTS: Choices<2> = Choices::new(["new", "all"]);
pub fn start(_link: Arc<Link>, opening: Opening<dyn Subscription>, _spec: &SubscriptionSpec) { opening.failed(Error::new(RST_E_UNSUPPORTED, "soon")); }
