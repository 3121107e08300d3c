//! All levels against definitions.
