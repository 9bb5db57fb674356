//! How much a subscription may still deliver (F1), and the names of what it has delivered (S1, S3).
use crate::sys::*;
use std::collections::VecDeque;
use std::sync::Mutex;

/// Two balances. Each delivery debits both; bytes may go below zero by one read.
#[derive(Default)]
pub struct Credit(Mutex<Balance>);

#[derive(Default)]
struct Balance {
    messages: u64,
    bytes: i64,
    drains: u64,
}

/// What a batch cost.
pub struct Debit(Balance);

impl Credit {
    pub fn add(&self, messages: u32, bytes: u64) {
        let mut balance = self.0.lock().unwrap();
        balance.messages += u64::from(messages);
        balance.bytes = balance.bytes.saturating_add(i64::try_from(bytes).unwrap_or(i64::MAX));
    }
    /// DRAIN: from now on there is none until more is added (F5).
    pub fn clear(&self) {
        let mut balance = self.0.lock().unwrap();
        *balance = Balance { messages: 0, bytes: 0, drains: balance.drains + 1 };
    }
    /// How many messages may be delivered now.
    pub fn messages(&self) -> usize {
        let balance = self.0.lock().unwrap();
        if balance.bytes > 0 {
            balance.messages as usize
        } else {
            0
        }
    }
    /// Takes what a batch costs; None where there is no room for all of its messages.
    pub fn debit(&self, messages: usize, bytes: u64) -> Option<Debit> {
        let mut balance = self.0.lock().unwrap();
        let cost = Balance { messages: messages as u64, bytes: bytes as i64, drains: balance.drains };
        if balance.bytes <= 0 || balance.messages < cost.messages {
            return None;
        }
        balance.messages -= cost.messages;
        balance.bytes -= cost.bytes;
        Some(Debit(cost))
    }
    /// The host refused the batch, which then costs nothing (M1). What was drained meanwhile stays so.
    pub fn refund(&self, Debit(cost): Debit) {
        let mut balance = self.0.lock().unwrap();
        if balance.drains == cost.drains {
            balance.messages += cost.messages;
            balance.bytes += cost.bytes;
        }
    }
}

struct Slot<T> {
    generation: u64,
    stale_below: u64, // generations that were voided, not settled
    value: Option<T>,
}

/// The unsettled deliveries of one subscription, each with a T of the plugin's. A token is generation and slot, and never
/// 0: a slot's next token is a new one.
pub struct Tokens<T>(Mutex<(Vec<Slot<T>>, VecDeque<u32>)>);

const SLOT_BITS: u32 = 24;

impl<T> Default for Tokens<T> {
    fn default() -> Self {
        Tokens(Mutex::new((Vec::new(), VecDeque::new())))
    }
}

impl<T> Tokens<T> {
    /// How many can be unsettled at once.
    pub const MOST: usize = 1 << SLOT_BITS;

    /// Names a delivery, before it is handed to the host.
    pub fn issue(&self, value: T) -> u64 {
        let (slots, free) = &mut *self.0.lock().unwrap();
        let index = free.pop_front().unwrap_or_else(|| {
            assert!(slots.len() < Self::MOST, "more unsettled deliveries than there are tokens");
            slots.push(Slot { generation: 0, stale_below: 0, value: None });
            slots.len() as u32 - 1
        });
        let slot = &mut slots[index as usize];
        slot.generation += 1;
        slot.value = Some(value);
        slot.generation << SLOT_BITS | u64::from(index)
    }

    /// How many are unsettled.
    pub fn live(&self) -> usize {
        let (slots, free) = &*self.0.lock().unwrap();
        slots.len() - free.len()
    }

    /// Settles one token: `act` says OK, which uses it up, or a negative status, which leaves it unsettled, as does `keep`
    /// (EXTEND). Of concurrent attempts one gets it, the others SETTLED.
    pub fn settle(&self, token: u64, keep: bool, act: impl FnOnce(&mut T) -> i32) -> i32 {
        let (slots, free) = &mut *self.0.lock().unwrap();
        let (index, generation) = ((token & ((1 << SLOT_BITS) - 1)) as u32, token >> SLOT_BITS);
        if token == 0 {
            return -RST_E_INVALID;
        }
        let slot = match slots.get_mut(index as usize) {
            Some(slot) if generation >= slot.stale_below.max(1) && generation <= slot.generation => slot,
            _ => return -RST_E_STALE,
        };
        let status = match slot.value.as_mut().filter(|_| generation == slot.generation) {
            Some(value) => act(value),
            None => return -RST_E_SETTLED,
        };
        if status >= 0 && !keep {
            slot.value = None;
            free.push_back(index);
        }
        status
    }

    /// Voids every token whose value `pick` names: stale from now on.
    pub fn take_if(&self, pick: impl Fn(&T) -> bool) -> Vec<T> {
        let (slots, free) = &mut *self.0.lock().unwrap();
        let mut taken = Vec::new();
        for (index, slot) in slots.iter_mut().enumerate().filter(|(_, slot)| slot.value.as_ref().map_or(false, &pick)) {
            slot.stale_below = slot.generation + 1;
            taken.extend(slot.value.take());
            free.push_back(index as u32);
        }
        taken
    }

    /// Looks at each that is unsettled.
    pub fn each(&self, mut look: impl FnMut(&T)) {
        self.0.lock().unwrap().0.iter().filter_map(|slot| slot.value.as_ref()).for_each(&mut look);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_settled_once_and_a_voided_one_is_stale() {
        let tokens = Tokens::default();
        let (a, b, c) = (tokens.issue("a"), tokens.issue("b"), tokens.issue("c"));
        assert_eq!(tokens.settle(a, true, |_| RST_OK), RST_OK); // EXTEND
        assert_eq!(tokens.settle(a, false, |_| -RST_E_UNSUPPORTED), -RST_E_UNSUPPORTED);
        assert_eq!(tokens.settle(a, false, |_| RST_OK), RST_OK);
        assert_eq!(tokens.take_if(|value| *value == "b"), ["b"]);
        let again = tokens.issue("d"); // in a's slot
        for (token, status) in
            [(0, -RST_E_INVALID), (a, -RST_E_SETTLED), (b, -RST_E_STALE), (c | 1 << 62, -RST_E_STALE), (again, RST_OK)]
        {
            assert_eq!(tokens.settle(token, false, |_| RST_OK), status, "{token:x}");
        }
        assert_eq!(tokens.live(), 1);
    }

    #[test]
    fn credit_adds_up_and_bytes_may_be_owed() {
        let credit = Credit::default();
        credit.add(2, 1);
        credit.add(1, 0);
        assert_eq!((credit.messages(), credit.debit(1, 10).is_some(), credit.messages()), (3, true, 0));
        credit.add(0, 10);
        assert_eq!((credit.messages(), credit.debit(3, 1).is_some()), (2, false));
        // 1 - 10 + 10 = 1 byte, and 2 messages
    }

    #[test]
    fn a_refused_batch_costs_nothing_and_a_drain_is_for_good() {
        for (drained, left) in [(false, 2), (true, 1)] {
            let credit = Credit::default();
            credit.add(2, 10);
            let debit = credit.debit(2, 10).unwrap();
            if drained {
                credit.clear();
                credit.add(1, 1);
            }
            credit.refund(debit);
            assert_eq!(credit.messages(), left);
        }
    }
}
