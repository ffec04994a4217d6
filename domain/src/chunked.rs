//! Lists that can be frozen at any moment: who changes them afterwards copies first, a chunk at a time.

use serde::de::{SeqAccess, Visitor};
use serde::ser::SerializeSeq;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::cell::Cell;
use std::fmt;
use std::marker::PhantomData;
use std::ops::{Index, IndexMut};
use std::sync::Arc;

/// Chunks of a node.
const FAN: usize = 256;

type Chunk<T> = Arc<[T]>;
type Node<T> = Arc<[Option<Chunk<T>>; FAN]>;

/// A list in chunks of `N` elements, which grows at its end and is let go of at its beginning.
///
/// A clone shares every chunk, and takes one count for each node of 256 chunks: microseconds where a copy would take
/// seconds. Whoever changes an element then copies its chunk first, once, and for the first chunk of a node the list
/// of its chunks. A list that was never cloned copies nothing, and none is moved when it grows.
#[derive(Clone)]
pub struct Chunked<T, const N: usize> {
    nodes: Vec<Node<T>>,
    /// The last elements, fewer than a chunk has.
    tail: Vec<T>,
    /// Elements at the beginning that were let go of, and whose node is still there.
    gone: usize,
    /// Elements in nodes, with those that were let go of.
    sealed: usize,
}

impl<T, const N: usize> Default for Chunked<T, N> {
    fn default() -> Self {
        Self { nodes: Vec::new(), tail: Vec::new(), gone: 0, sealed: 0 }
    }
}

impl<T, const N: usize> Chunked<T, N> {
    /// Elements of a node.
    const NODE: usize = N * FAN;

    pub fn len(&self) -> usize {
        self.sealed + self.tail.len() - self.gone
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub fn get(&self, place: usize) -> Option<&T> {
        let at = place.checked_add(self.gone)?;
        if at >= self.sealed {
            return self.tail.get(at - self.sealed);
        }
        self.nodes.get(at / Self::NODE)?[at / N % FAN].as_deref()?.get(at % N)
    }

    pub fn first(&self) -> Option<&T> {
        self.get(0)
    }

    pub fn iter(&self) -> impl Iterator<Item = &T> {
        (0..self.len()).filter_map(|place| self.get(place))
    }

    pub fn push(&mut self, element: T) {
        if self.tail.is_empty() {
            self.tail.reserve_exact(N);
        }
        self.tail.push(element);
        if self.tail.len() == N {
            self.seal();
        }
    }

    /// The tail becomes a chunk.
    fn seal(&mut self) {
        let chunk = self.tail.drain(..).collect();
        let place = self.sealed / N % FAN;
        if place == 0 {
            self.nodes.push(Arc::new([const { None }; FAN]));
        }
        if let Some(node) = self.nodes.last_mut() {
            Arc::make_mut(node)[place] = Some(chunk);
        }
        self.sealed += N;
    }

    /// Lets go of the first element. Its memory comes back with that of its chunk.
    pub fn drop_first(&mut self) {
        if self.is_empty() {
            return;
        }
        self.gone += 1;
        if self.gone.is_multiple_of(N)
            && let Some(node) = self.nodes.first_mut()
        {
            Arc::make_mut(node)[self.gone / N - 1] = None;
        }
        if self.gone == Self::NODE {
            self.nodes.remove(0);
            self.gone = 0;
            self.sealed -= Self::NODE;
        }
    }

    /// How many elements at the beginning are so, where none is so after one that is not.
    pub fn partition_point(&self, is_so: impl Fn(&T) -> bool) -> usize {
        let (mut low, mut high) = (0, self.len());
        while low < high {
            let middle = usize::midpoint(low, high);
            if self.get(middle).is_some_and(&is_so) { low = middle + 1 } else { high = middle }
        }
        low
    }
}

impl<T: Clone, const N: usize> Chunked<T, N> {
    pub fn get_mut(&mut self, place: usize) -> Option<&mut T> {
        let at = place.checked_add(self.gone)?;
        if at >= self.sealed {
            return self.tail.get_mut(at - self.sealed);
        }
        let chunks = Arc::make_mut(self.nodes.get_mut(at / Self::NODE)?);
        Arc::make_mut(chunks[at / N % FAN].as_mut()?).get_mut(at % N)
    }

    pub fn pop(&mut self) -> Option<T> {
        if self.is_empty() {
            return None;
        }
        if self.tail.is_empty() {
            self.unseal();
        }
        self.tail.pop()
    }

    /// The last chunk becomes the tail.
    fn unseal(&mut self) {
        self.sealed -= N;
        let place = self.sealed / N % FAN;
        let chunk = self.nodes.last_mut().and_then(|node| Arc::make_mut(node)[place].take());
        self.tail.extend(chunk.iter().flat_map(|chunk| chunk.iter().cloned()));
        if place == 0 {
            self.nodes.pop();
        }
    }

    /// The list as it is now, to be written beside whatever becomes of it.
    pub fn freeze(&self) -> Frozen<T, N> {
        Frozen(Cell::new(self.clone()))
    }
}

impl<T, const N: usize> Index<usize> for Chunked<T, N> {
    type Output = T;

    fn index(&self, place: usize) -> &T {
        self.get(place).expect("a place in the list")
    }
}

impl<T: Clone, const N: usize> IndexMut<usize> for Chunked<T, N> {
    fn index_mut(&mut self, place: usize) -> &mut T {
        self.get_mut(place).expect("a place in the list")
    }
}

impl<T, const N: usize> FromIterator<T> for Chunked<T, N> {
    fn from_iter<I: IntoIterator<Item = T>>(elements: I) -> Self {
        let mut list = Self::default();
        elements.into_iter().for_each(|element| list.push(element));
        list
    }
}

impl<T: PartialEq, const N: usize> PartialEq for Chunked<T, N> {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && self.iter().eq(other.iter())
    }
}

impl<T: fmt::Debug, const N: usize> fmt::Debug for Chunked<T, N> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_list().entries(self.iter()).finish()
    }
}

/// A list as it was, in the form that snapshots have: its elements in order.
///
/// It is written once: each chunk is let go of as soon as it is written, so that its memory comes back if the list has
/// another there by then, and need not be copied if it changes later. Written again it has no elements.
pub struct Frozen<T, const N: usize>(Cell<Chunked<T, N>>);

impl<T, const N: usize> Frozen<T, N> {
    /// The list, to go on with.
    pub fn thaw(self) -> Chunked<T, N> {
        self.0.into_inner()
    }
}

impl<T: Serialize, const N: usize> Serialize for Frozen<T, N> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut rest = self.0.take();
        let mut list = to.serialize_seq(Some(rest.len()))?;
        while let Some(first) = rest.first() {
            list.serialize_element(first)?;
            rest.drop_first();
        }
        list.end()
    }
}

impl<'de, T: Deserialize<'de>, const N: usize> Deserialize<'de> for Frozen<T, N> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_seq(Elements(PhantomData)).map(|list| Self(Cell::new(list)))
    }
}

struct Elements<T, const N: usize>(PhantomData<T>);

impl<'de, T: Deserialize<'de>, const N: usize> Visitor<'de> for Elements<T, N> {
    type Value = Chunked<T, N>;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Self::Value, A::Error> {
        let mut list = Chunked::default();
        while let Some(element) = elements.next_element()? {
            list.push(element);
        }
        Ok(list)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::VecDeque;

    #[derive(Clone, Debug)]
    enum Step {
        Push(u32),
        Pop,
        DropFirst,
        Set(usize, u32),
        Freeze,
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            6 => (0..99_u32).prop_map(Step::Push),
            1 => Just(Step::Pop),
            2 => Just(Step::DropFirst),
            3 => (any::<usize>(), 100..199_u32).prop_map(|(place, value)| Step::Set(place, value)),
            1 => Just(Step::Freeze),
        ]
    }

    fn take(step: &Step, list: &mut Chunked<u32, 2>, plain: &mut VecDeque<u32>) {
        match step {
            Step::Push(value) => {
                list.push(*value);
                plain.push_back(*value);
            }
            Step::Pop => assert_eq!(list.pop(), plain.pop_back()),
            Step::DropFirst => {
                list.drop_first();
                plain.pop_front();
            }
            Step::Set(place, value) if !plain.is_empty() => {
                let place = place % plain.len();
                (list[place], plain[place]) = (*value, *value);
            }
            Step::Set(..) | Step::Freeze => {}
        }
    }

    proptest! {
        #[test]
        fn a_list_is_what_was_put_there_and_a_frozen_one_what_it_was(
            steps in prop::collection::vec(step(), 1..900),
        ) {
            let (mut list, mut plain, mut kept) = (Chunked::<u32, 2>::default(), VecDeque::new(), Vec::new());
            for step in &steps {
                take(step, &mut list, &mut plain);
                if let Step::Freeze = step {
                    kept.push((list.freeze(), plain.clone()));
                }
                prop_assert_eq!((list.len(), list.first()), (plain.len(), plain.front()));
            }
            prop_assert!(list.iter().eq(plain.iter()));
            prop_assert_eq!(list.get(plain.len()), None);
            for (frozen, then) in kept {
                let text = serde_json::to_string(&frozen).expect("a list");
                prop_assert_eq!(&text, &serde_json::to_string(&then).expect("a list"));
                let read: Frozen<u32, 3> = serde_json::from_str(&text).expect("a list");
                prop_assert_eq!(read.thaw(), then.into_iter().collect::<Chunked<_, 3>>());
            }
            prop_assert!(list.iter().eq(plain.iter()));
        }
    }

    #[test]
    fn only_a_chunk_that_changes_is_copied() {
        let mut list: Chunked<Arc<()>, 4> = (0..40).map(|_| Arc::new(())).collect();
        let frozen = list.freeze();
        let copies =
            |list: &Chunked<Arc<()>, 4>| list.iter().filter(|element| Arc::strong_count(element) > 1).count();
        assert_eq!(copies(&list), 0);
        list.get_mut(17);
        list.get_mut(18);
        assert_eq!(copies(&list), 4);
        drop(frozen);
        assert_eq!(copies(&list), 0);
    }

    #[test]
    fn places_are_found_by_halving() {
        let mut list: Chunked<u32, 4> = (0..1_000).collect();
        (0..333).for_each(|_| list.drop_first());
        for value in 333..1_000 {
            let place = list.partition_point(|element| *element < value);
            assert_eq!(list[place], value);
        }
        assert_eq!(list.partition_point(|_| true), 667);
    }
}
