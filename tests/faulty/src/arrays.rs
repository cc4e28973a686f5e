//! Arrow's C structs, made by hand: arrow-rs would refuse to make most of those that are needed here.
//!
//! A tree keeps everything it needs in one arena at its root, so a release frees all of it, whatever the tree looks like.

use std::ffi::{CStr, c_void};

use dstream_abi::raw::{ArrowArray, ArrowSchema, RawArray, RawSchema};

/// A buffer: bytes with the alignment that every type needs, nothing at all, or an address that nobody owns.
#[derive(Clone, Debug)]
pub(crate) enum Bytes {
    Null,
    Some(Vec<u8>),
    At(usize, i64),
}

/// The bytes of numbers.
pub(crate) fn bytes<const N: usize, T: Copy>(numbers: &[T], to_bytes: impl Fn(T) -> [u8; N]) -> Bytes {
    Bytes::Some(numbers.iter().flat_map(|number| to_bytes(*number)).collect())
}

pub(crate) fn i32s(numbers: &[i32]) -> Bytes {
    bytes(numbers, i32::to_le_bytes)
}

/// One node of an array, as its maker claims that it is.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) length: i64,
    pub(crate) null_count: i64,
    pub(crate) offset: i64,
    pub(crate) buffers: Vec<Bytes>,
    /// `None`: a null pointer among the children.
    pub(crate) children: Vec<Option<Node>>,
    pub(crate) dictionary: Option<Box<Node>>,
    pub(crate) released: bool,
}

impl Node {
    pub(crate) fn new(length: i64, null_count: i64, buffers: Vec<Bytes>) -> Node {
        let (children, dictionary) = (vec![], None);
        Node { length, null_count, offset: 0, buffers, children, dictionary, released: false }
    }

    /// The array with the byte length of every buffer, in the order of dstream.h.
    pub(crate) fn build(&self) -> (ArrowArray, Vec<i64>) {
        let (mut arena, mut sizes) = (Arena::default(), Vec::new());
        let mut root = self.raw(&mut arena, &mut sizes);
        if root.release.is_some() {
            root.release = Some(release_array);
            root.private_data = Box::into_raw(Box::new(arena)).cast();
        }
        let root = Box::into_raw(Box::new(root));
        // SAFETY: a RawArray is an ArrowArray with its fields in the open (asserted where it is defined).
        let array = unsafe { *Box::from_raw(root.cast::<ArrowArray>()) };
        (array, sizes)
    }

    fn raw(&self, arena: &mut Arena, sizes: &mut Vec<i64>) -> RawArray {
        let mut pointers: Vec<*const c_void> = Vec::new();
        for buffer in &self.buffers {
            let (pointer, size) = match buffer {
                Bytes::Null => (std::ptr::null(), 0),
                Bytes::At(address, size) => (*address as *const c_void, *size),
                Bytes::Some(bytes) => {
                    // u128: the widest alignment that a type asks for.
                    let mut words = vec![0_u128; bytes.len().div_ceil(16).max(1)];
                    for (word, part) in words.iter_mut().zip(bytes.chunks(16)) {
                        let mut full = [0; 16];
                        full[..part.len()].copy_from_slice(part);
                        *word = u128::from_ne_bytes(full);
                    }
                    (arena.keep(words).cast_const().cast(), bytes.len() as i64)
                }
            };
            pointers.push(pointer);
            sizes.push(size);
        }
        let mut children: Vec<*mut RawArray> = Vec::new();
        for child in &self.children {
            children.push(match child {
                None => std::ptr::null_mut(),
                Some(child) => {
                    let child = child.raw(arena, sizes);
                    arena.keep(vec![child])
                }
            });
        }
        let dictionary = self.dictionary.as_ref().map(|dictionary| dictionary.raw(arena, sizes));
        RawArray {
            length: self.length,
            null_count: self.null_count,
            offset: self.offset,
            n_buffers: pointers.len() as i64,
            n_children: children.len() as i64,
            buffers: arena.keep_list(pointers),
            children: arena.keep_list(children),
            dictionary: dictionary.map_or(std::ptr::null_mut(), |dictionary| arena.keep(vec![dictionary])),
            release: (!self.released).then_some(release_inner_array),
            private_data: std::ptr::null_mut(),
        }
    }
}

/// One node of a schema.
#[derive(Clone, Debug)]
pub(crate) struct Type {
    /// `None`: a null pointer.
    pub(crate) format: Option<&'static CStr>,
    pub(crate) name: &'static CStr,
    pub(crate) children: Vec<Type>,
    pub(crate) dictionary: Option<Box<Type>>,
}

impl Type {
    pub(crate) fn new(format: &'static CStr) -> Type {
        Type { format: Some(format), name: c"c", children: vec![], dictionary: None }
    }

    /// A schema whose columns these are.
    pub(crate) fn schema(columns: Vec<Type>) -> ArrowSchema {
        let mut arena = Arena::default();
        let top = Type { children: columns, name: c"", ..Type::new(c"+s") };
        let mut root = top.raw(&mut arena);
        root.release = Some(release_schema);
        root.private_data = Box::into_raw(Box::new(arena)).cast();
        let root = Box::into_raw(Box::new(root));
        // SAFETY: a RawSchema is an ArrowSchema with its fields in the open (asserted where it is defined).
        unsafe { *Box::from_raw(root.cast::<ArrowSchema>()) }
    }

    fn raw(&self, arena: &mut Arena) -> RawSchema {
        let children: Vec<_> = self
            .children
            .iter()
            .map(|child| {
                let child = child.raw(arena);
                arena.keep(vec![child])
            })
            .collect();
        let dictionary = self.dictionary.as_ref().map(|dictionary| dictionary.raw(arena));
        RawSchema {
            format: self.format.map_or(std::ptr::null(), CStr::as_ptr),
            name: self.name.as_ptr(),
            metadata: std::ptr::null(),
            flags: 2,
            n_children: children.len() as i64,
            children: arena.keep_list(children),
            dictionary: dictionary.map_or(std::ptr::null_mut(), |dictionary| arena.keep(vec![dictionary])),
            release: Some(release_inner_schema),
            private_data: std::ptr::null_mut(),
        }
    }
}

/// What a tree needs, until it is released.
#[derive(Default)]
struct Arena(Vec<Box<dyn FnOnce()>>);

impl Arena {
    /// The first element of the list; it stays where it is.
    fn keep<T: 'static>(&mut self, list: Vec<T>) -> *mut T {
        let list = Box::into_raw(list.into_boxed_slice());
        // SAFETY: from into_raw; the arena is emptied once.
        self.0.push(Box::new(move || drop(unsafe { Box::from_raw(list) })));
        list.cast()
    }

    /// As `keep`; null for a list without elements.
    fn keep_list<T: 'static>(&mut self, list: Vec<T>) -> *mut T {
        if list.is_empty() { std::ptr::null_mut() } else { self.keep(list) }
    }

    /// Frees everything.
    ///
    /// # Safety
    /// `private_data` came from `Box::into_raw` of an arena, once.
    unsafe fn free(private_data: *mut c_void) {
        // SAFETY: the caller's promise.
        let arena = unsafe { Box::from_raw(private_data.cast::<Arena>()) };
        arena.0.into_iter().for_each(|free| free());
    }
}

unsafe extern "C" fn release_array(array: *mut RawArray) {
    // SAFETY: dstream.h, "Who allocates releases": called once with a root that `build` made.
    let array = unsafe { &mut *array };
    array.release = None;
    // SAFETY: set in `build`; the release is gone, so this is the only time.
    unsafe { Arena::free(array.private_data) };
}

unsafe extern "C" fn release_schema(schema: *mut RawSchema) {
    // SAFETY: dstream.h, "Who allocates releases": called once with a root that `schema` made.
    let schema = unsafe { &mut *schema };
    schema.release = None;
    // SAFETY: set in `schema`; the release is gone, so this is the only time.
    unsafe { Arena::free(schema.private_data) };
}

unsafe extern "C" fn release_inner_array(array: *mut RawArray) {
    // SAFETY: a node of a tree that is alive; the root frees what it needs.
    unsafe { (*array).release = None };
}

unsafe extern "C" fn release_inner_schema(schema: *mut RawSchema) {
    // SAFETY: a node of a tree that is alive; the root frees what it needs.
    unsafe { (*schema).release = None };
}
