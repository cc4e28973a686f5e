//! The catalog file: a Singer catalog whose JSON Schemas also carry the exact Arrow types.

pub mod json_schema; // Arrow field <-> JSON Schema property
mod property; // JSON Schema property of somebody else -> Arrow field
