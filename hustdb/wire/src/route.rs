//! The table of a program's paths, so that 404 and 405 are decided before a body is read.
//!
//! Paths are exact and case-sensitive. Lookup is a hash of a path's length and last bytes, then one comparison.

use hyper::Method;

/// A set of methods.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Methods(u8);

const NAMES: [(Methods, &str); 4] =
    [(Methods::GET, "GET"), (Methods::HEAD, "HEAD"), (Methods::POST, "POST"), (Methods::PUT, "PUT")];

impl Methods {
    /// GET.
    pub const GET: Methods = Methods(1);
    /// HEAD.
    pub const HEAD: Methods = Methods(2);
    /// POST.
    pub const POST: Methods = Methods(4);
    /// PUT.
    pub const PUT: Methods = Methods(8);
    /// Every method there is.
    pub const ANY: Methods = Methods(255);
    /// Of a read: GET, HEAD.
    pub const READ: Methods = Methods::GET.and(Methods::HEAD);
    /// Of a read of a member: GET, HEAD, POST.
    pub const READ_MEMBER: Methods = Methods::READ.and(Methods::POST);
    /// Of a write: GET, POST, PUT.
    pub const WRITE: Methods = Methods::GET.and(Methods::POST).and(Methods::PUT);

    /// Both sets.
    pub const fn and(self, other: Methods) -> Methods {
        Methods(self.0 | other.0)
    }

    /// Whether `method` is in the set.
    pub fn allow(self, method: &Method) -> bool {
        let bit = match *method {
            Method::GET => Methods::GET,
            Method::HEAD => Methods::HEAD,
            Method::POST => Methods::POST,
            Method::PUT => Methods::PUT,
            _ => return self == Methods::ANY,
        };
        self.0 & bit.0 != 0
    }

    fn names(self) -> Vec<&'static str> {
        NAMES.iter().filter(|(bit, _)| self.0 & bit.0 != 0).map(|(_, name)| *name).collect()
    }

    /// As in `Allow`: `GET, POST, PUT`.
    pub fn header(self) -> String {
        self.names().join(", ")
    }

    /// As in a sentence: `GET, POST or PUT`.
    pub fn sentence(self) -> String {
        match self.names().as_slice() {
            [first @ .., last] if !first.is_empty() => format!("{} or {last}", first.join(", ")),
            names => names.concat(),
        }
    }
}

/// What becomes of a request's body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyRule {
    /// Read and thrown away.
    Ignored,
    /// Collected for the handler, up to `server.max_body_size`.
    Collected,
    /// Collected, with so many bytes allowed over `server.max_body_size`.
    CollectedOver(usize),
}

/// One path.
#[derive(Debug, Clone, Copy)]
pub struct Route {
    /// The path.
    pub path: &'static str,
    /// What may be done to it.
    pub methods: Methods,
    /// What the handler knows it by; also the index of its statistics.
    pub id: u16,
    /// Its body.
    pub body: BodyRule,
}

/// A row of a program's table of routes: path, what the program does, methods, body.
pub type Row<C> = (&'static str, C, Methods, BodyRule);

/// The row of a read.
pub const fn read<C: Copy>(path: &'static str, command: C) -> Row<C> {
    (path, command, Methods::READ, BodyRule::Ignored)
}

/// The row of a read of a member, which may come in the body.
pub const fn member<C: Copy>(path: &'static str, command: C) -> Row<C> {
    (path, command, Methods::READ_MEMBER, BodyRule::Collected)
}

/// The routes of a table; a route's id is its place in there. In a constant, a path that is there twice ends the
/// build.
pub const fn routes<C, const N: usize>(table: &[Row<C>; N]) -> [Route; N] {
    let blank = Route { path: "", methods: Methods::READ, id: 0, body: BodyRule::Ignored };
    let mut routes = [blank; N];
    let mut at = 0;
    while at < N {
        let (path, _, methods, body) = &table[at];
        let mut before = 0;
        while before < at {
            assert!(!equal(routes[before].path.as_bytes(), path.as_bytes()), "a path is there twice");
            before += 1;
        }
        routes[at] = Route { path, methods: *methods, id: at as u16, body: *body };
        at += 1;
    }
    routes
}

const fn equal(one: &[u8], other: &[u8]) -> bool {
    let mut at = 0;
    while at < one.len() && at < other.len() && one[at] == other[at] {
        at += 1;
    }
    at == one.len() && at == other.len()
}

/// The command of the route `id` of a table.
pub fn command<C: Copy>(table: &[Row<C>], id: u16) -> Option<C> {
    table.get(usize::from(id)).map(|(_, command, ..)| *command)
}

/// All paths of a program.
#[derive(Debug)]
pub struct Router {
    routes: Vec<Route>,
    /// Where in `routes` the paths of each hash are, from its own seat on to the next [`FREE`]. A power of two of them,
    /// most of them free.
    seats: Box<[u16]>,
}

/// A seat that nobody has.
const FREE: u16 = u16::MAX;

impl Router {
    /// A router over `routes`; of a repeated path the first counts.
    pub fn new(routes: &[Route]) -> Router {
        let mut seats = vec![FREE; (4 * routes.len()).next_power_of_two().max(4)].into_boxed_slice();
        for (number, route) in (0..FREE).zip(routes) {
            let free = tour(route.path, seats.len()).find(|at| seats.get(*at) == Some(&FREE));
            if let Some(seat) = free.and_then(|at| seats.get_mut(at)) {
                *seat = number;
            }
        }
        Router { routes: routes.to_vec(), seats }
    }

    /// The route of `path`.
    #[inline]
    pub fn find(&self, path: &str) -> Option<&Route> {
        let seats = tour(path, self.seats.len()).map_while(|at| self.seats.get(at));
        let mut routes = seats.map_while(|number| self.routes.get(usize::from(*number)));
        routes.find(|route| route.path == path)
    }

    /// All routes.
    pub fn routes(&self) -> &[Route] {
        &self.routes
    }
}

/// The seats to look at for a path, all of them once.
#[inline]
fn tour(path: &str, seats: usize) -> impl Iterator<Item = usize> {
    let tail = path.as_bytes().last_chunk::<8>().map_or(0, |tail| u64::from_le_bytes(*tail));
    let hash = (tail ^ path.len() as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let first = (hash >> 32) as usize;
    (0..seats).map(move |step| first.wrapping_add(step) & (seats - 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_exact_paths_only() {
        let route = |path, id| Route { path, methods: Methods::READ, id, body: BodyRule::Ignored };
        let router =
            Router::new(&[route("/hustdb/put", 1), route("/hustdb/get", 2), route("/hustdb/stat_all", 3)]);
        let found = |path| router.find(path).map(|route| route.id);
        assert_eq!(found("/hustdb/put"), Some(1));
        assert_eq!(found("/hustdb/get"), Some(2));
        assert_eq!(found("/hustdb/stat_all"), Some(3));
        assert_eq!(router.routes().len(), 3);
        for path in ["", "/", "/hustdb/get/", "/hustdb/GET", "/hustdb/gex", "hustdb/get", "/hustdb/stat"] {
            assert_eq!(found(path), None, "{path}");
        }
    }

    #[test]
    fn a_routes_id_finds_its_command() {
        const TABLE: [Row<char>; 3] = [read("/a", 'a'), member("/ab", 'b'), read("/b", 'c')];
        let routes = routes(&TABLE);
        let found = routes.map(|route| (route.path, command(&TABLE, route.id)));
        assert_eq!(found, [("/a", Some('a')), ("/ab", Some('b')), ("/b", Some('c'))]);
        assert_eq!(command(&TABLE, 3), None);
    }

    #[test]
    #[should_panic(expected = "a path is there twice")]
    fn a_path_may_be_there_once() {
        routes(&[read("/a", 1), read("/b", 2), member("/a", 3)]);
    }

    #[test]
    fn any_set_of_paths_is_found() {
        let paths: Vec<String> = (0..600).map(|n| format!("/{n}/and/the/same/end{}", n % 7)).collect();
        for count in [0, 1, 2, 3, 70, 600] {
            let route = |(path, id): (&'static str, u16)| Route {
                path,
                methods: Methods::READ,
                id,
                body: BodyRule::Ignored,
            };
            let leaked = paths.iter().take(count).map(|path| &*Box::leak(path.clone().into_boxed_str()));
            let routes: Vec<Route> = leaked.zip(0..).map(route).collect();
            let router = Router::new(&routes);
            for (path, number) in paths.iter().zip(0..) {
                let found = router.find(path).map(|route| usize::from(route.id));
                assert_eq!(found, Some(number).filter(|number| *number < count), "{path} of {count}");
            }
        }
    }

    #[test]
    fn methods_allow_and_say_so() {
        assert!(Methods::WRITE.allow(&Method::PUT) && !Methods::WRITE.allow(&Method::HEAD));
        assert!(!Methods::READ.allow(&Method::DELETE) && Methods::ANY.allow(&Method::DELETE));
        assert_eq!(Methods::WRITE.header(), "GET, POST, PUT");
        assert_eq!(Methods::WRITE.sentence(), "GET, POST or PUT");
        assert_eq!(Methods::READ.sentence(), "GET or HEAD");
        assert_eq!(Methods::GET.sentence(), "GET");
    }
}
