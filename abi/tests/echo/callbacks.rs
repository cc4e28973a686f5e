//! The callbacks that the header has, so that a test can say that it has a case for each of them.
#![allow(unreachable_pub)] // two tests have it at different places

/// Every function pointer of a struct of the header, in its order.
pub fn callbacks_of(table: &str) -> Vec<&'static str> {
    let header = include_str!("../../include/dstream.h");
    let (_, body) = header.split_once(&format!("typedef struct {table} {{")).expect("the struct");
    let (body, _) = body.split_once(&format!("}} {table};")).expect("its end");
    body.match_indices("(*").map(|(at, _)| body[at + 2..].split(')').next().expect("a name")).collect()
}
