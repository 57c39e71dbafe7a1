//! Something to crawl.

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    task::JoinSet,
};

/// Serves one page about one thing, whatever is asked for; gives where it is.
pub(crate) async fn of_one_page(mark: &str) -> anyhow::Result<(JoinSet<()>, String)> {
    let page = page(mark, &format!("Much is said about {mark} here. "));
    serve(mark, move |_| page.clone()).await
}

/// Serves a page about one thing, and another one that it links to; gives where
/// the first one is.
pub(crate) async fn of_two_pages(mark: &str) -> anyhow::Result<(JoinSet<()>, String)> {
    let more = format!("<a href=\"/{mark}/more\">More about {mark}.</a> ");
    let first = page(mark, &format!("Much is said about {mark} here. {more}"));
    let second = page(mark, &format!("There is even more to be said about {mark}. "));
    let answer = move |path: &str| if path.ends_with("/more") { &second } else { &first }.clone();
    serve(mark, answer).await
}

fn page(title: &str, says: &str) -> String {
    let says = says.repeat(20);
    format!(
        "<html><head><title>{title}</title></head><body><main><p>{says}</p></main></body></html>"
    )
}

/// Serves what `page` says of a path.
async fn serve(
    mark: &str,
    page: impl Fn(&str) -> String + Send + 'static,
) -> anyhow::Result<(JoinSet<()>, String)> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = format!("http://{}/{mark}", listener.local_addr()?);
    let mut site = JoinSet::new();
    site.spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let mut request = [0; 4096];
            let Ok(read) = socket.read(&mut request).await else { continue };
            let request = String::from_utf8_lossy(&request[..read]);
            let page = page(request.split(' ').nth(1).unwrap_or_default());
            let answer = format!(
                "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: {}\r\n\
                 connection: close\r\n\r\n{page}",
                page.len()
            );
            socket.write_all(answer.as_bytes()).await.ok();
        }
    });
    Ok((site, address))
}
