//! Threads as the contract wants them: named `rst-*`, with every signal blocked that a host may handle (T2).
use std::{io, thread};

/// A thread inherits the mask of the one that starts it: so signals are blocked around the start, and no moment is left in
/// which the new thread could take one.
pub(crate) fn spawn(name: &str, run: impl FnOnce() + Send + 'static) -> io::Result<thread::JoinHandle<()>> {
    let _blocked = signals::Blocked::new();
    thread::Builder::new().name(name.into()).spawn(run)
}

#[cfg(target_os = "linux")]
mod signals {
    use std::{mem::MaybeUninit, os::raw::c_int};

    type Set = [u64; 16]; // glibc's sigset_t
    const SIG_SETMASK: c_int = 2;
    const OWN_FAULTS: [c_int; 7] = [4, 5, 6, 7, 8, 11, 31]; // ILL TRAP ABRT BUS FPE SEGV SYS: the host's crash handler's

    extern "C" {
        fn sigfillset(set: *mut Set) -> c_int;
        fn sigdelset(set: *mut Set, signal: c_int) -> c_int;
        fn pthread_sigmask(how: c_int, set: *const Set, old: *mut Set) -> c_int;
    }

    pub struct Blocked(Set);

    impl Blocked {
        pub fn new() -> Self {
            let (mut all, mut old) = (MaybeUninit::<Set>::zeroed(), MaybeUninit::<Set>::zeroed());
            // SAFETY: both are sets; only this thread's mask changes, until the drop.
            unsafe {
                sigfillset(all.as_mut_ptr());
                for signal in OWN_FAULTS {
                    sigdelset(all.as_mut_ptr(), signal);
                }
                pthread_sigmask(SIG_SETMASK, all.as_ptr(), old.as_mut_ptr());
                Blocked(old.assume_init())
            }
        }
    }

    impl Drop for Blocked {
        fn drop(&mut self) {
            // SAFETY: the mask that was before.
            unsafe { pthread_sigmask(SIG_SETMASK, &self.0, std::ptr::null_mut()) };
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod signals {
    pub struct Blocked;
    impl Blocked {
        pub fn new() -> Self {
            Blocked
        }
    }
}
