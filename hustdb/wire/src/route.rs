//! The table of a program's paths, so that 404 and 405 are decided before a body is read.
//!
//! Paths are exact and case-sensitive. Lookup is a binary search by length, then bytes.

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

/// The routes of a table; a route's id is its place in there.
pub const fn routes<C, const N: usize>(table: &[Row<C>; N]) -> [Route; N] {
    let blank = Route { path: "", methods: Methods::READ, id: 0, body: BodyRule::Ignored };
    let mut routes = [blank; N];
    let mut at = 0;
    while at < N {
        let (path, _, methods, body) = &table[at];
        routes[at] = Route { path, methods: *methods, id: at as u16, body: *body };
        at += 1;
    }
    routes
}

/// All paths of a program.
#[derive(Debug)]
pub struct Router(Vec<Route>);

impl Router {
    /// A router over `routes`; of a repeated path one counts.
    pub fn new(routes: &[Route]) -> Router {
        let mut routes = routes.to_vec();
        routes.sort_by_key(|route| order(route.path));
        Router(routes)
    }

    /// The route of `path`.
    pub fn find(&self, path: &str) -> Option<&Route> {
        let at = self.0.binary_search_by_key(&order(path), |route| order(route.path)).ok()?;
        self.0.get(at)
    }

    /// All routes.
    pub fn routes(&self) -> &[Route] {
        &self.0
    }
}

fn order(path: &str) -> (usize, &[u8]) {
    (path.len(), path.as_bytes())
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
        for path in ["", "/", "/hustdb/get/", "/hustdb/GET", "/hustdb/gex", "hustdb/get", "/hustdb/stat"] {
            assert_eq!(found(path), None, "{path}");
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
