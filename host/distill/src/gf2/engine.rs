//! The algorithms as a level offers them, and how they are compiled for a level.

use super::convert::{Basis, Step};
use super::transform::Pass;

/// One level's compiled algorithms. Sizes are the callers' business: [`transform`], [`convert`]
/// and [`polyval`] say what they give.
pub(super) trait Engine: Copy {
    fn four(self, pass: Pass, data: &mut [u64], block: usize);
    fn small(self, pass: Pass, data: &mut [u64], block: usize);
    fn multiply_add(self, sum: &mut [u64], a: &[u64], b: &[u64]);
    fn convert_halves(self, basis: Basis, data: &mut [u32], steps: &[Step], last: bool);
    fn convert_words(self, basis: Basis, data: &mut [u64], steps: &[Step], last: bool);
    fn polyval(self, state: u128, words: &[u64], powers: &[u64]) -> u128;
}

/// `engine!(Type, W)` or `engine!(Type, W, "features")`: the [`Engine`] of a type that implements
/// `Lanes<W>`, each method compiled as a function with these features.
macro_rules! engine {
    ($type:ident, $width:literal $(, $features:literal)?) => {
        impl $crate::gf2::engine::Engine for $type {
            engine!(@ $width $(, $features)?; transform::four(
                pass: $crate::gf2::Pass, data: &mut [u64], block: usize));
            engine!(@ $width $(, $features)?; transform::small(
                pass: $crate::gf2::Pass, data: &mut [u64], block: usize));
            engine!(@ $width $(, $features)?; transform::multiply_add(
                sum: &mut [u64], a: &[u64], b: &[u64]));
            engine!(@ $width $(, $features)?; convert::convert_halves(
                basis: $crate::gf2::Basis, data: &mut [u32],
                steps: &[$crate::gf2::convert::Step], last: bool));
            engine!(@ $width $(, $features)?; convert::convert_words(
                basis: $crate::gf2::Basis, data: &mut [u64],
                steps: &[$crate::gf2::convert::Step], last: bool));
            engine!(@ $width $(, $features)?; polyval::polyval(
                state: u128, words: &[u64], powers: &[u64]) -> u128);
        }
    };
    (@ $width:literal; $module:ident::$name:ident($($arg:ident: $ty:ty),*) $(-> $out:ty)?) => {
        fn $name(self, $($arg: $ty),*) $(-> $out)? {
            $crate::gf2::$module::$name::<$width, _>(self, $($arg),*)
        }
    };
    (@ $width:literal, $features:literal;
        $module:ident::$name:ident($($arg:ident: $ty:ty),*) $(-> $out:ty)?) => {
        fn $name(self, $($arg: $ty),*) $(-> $out)? {
            #[target_feature(enable = $features)]
            fn compiled<K: $crate::gf2::lanes::Lanes<$width>>(k: K, $($arg: $ty),*) $(-> $out)? {
                $crate::gf2::$module::$name::<$width, _>(k, $($arg),*)
            }
            // SAFETY: `self` exists only where these features were detected.
            unsafe { compiled(self, $($arg),*) }
        }
    };
}
pub(super) use engine;
