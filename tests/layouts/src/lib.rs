#![doc = include_str!("../README.md")]

mod addresses; // where the buffers of an array are
mod flat; // arrays without children, one per layout
mod nested; // arrays with children, one per layout
mod root; // manifest and entry
mod sliced; // the same tap, whose columns are cut by the C struct
mod tap; // one stream per layout
