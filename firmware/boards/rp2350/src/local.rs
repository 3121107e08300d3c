//! Data of core 1: its main loop's and its interrupt's, and nobody else's.
#![allow(unsafe_code)]

use core::cell::RefCell;

/// A value that only core 1 reaches, with its interrupts held off. The two cores share no lock for
/// it, so core 0 cannot keep the DMA's interrupt waiting.
pub struct Local<T>(RefCell<T>);

// SAFETY: `with` refuses core 0, and holds off the interrupts of core 1, so there is one thread.
unsafe impl<T> Sync for Local<T> {}

impl<T> Local<T> {
    pub const fn new(value: T) -> Local<T> {
        Local(RefCell::new(value))
    }

    /// # Panics
    /// On core 0, and within another `with` of the same value.
    pub fn with<R>(&self, f: impl FnOnce(&mut T) -> R) -> R {
        assert!(crate::chip::sio().cpuid().read().bits() == 1);
        cortex_m::interrupt::free(|_| f(&mut self.0.borrow_mut()))
    }
}
