//! Something to crawl.

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    task::JoinSet,
};

/// Serves one page about one thing, whatever is asked for; gives where it is.
pub(crate) async fn of_one_page(mark: &str) -> anyhow::Result<(JoinSet<()>, String)> {
    let page = format!(
        "<html><head><title>{mark}</title></head><body><main><p>{}</p></main></body></html>",
        format!("Much is said about {mark} here. ").repeat(20)
    );
    let answer = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: {}\r\n\
         connection: close\r\n\r\n{page}",
        page.len()
    );
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = format!("http://{}/{mark}", listener.local_addr()?);
    let mut site = JoinSet::new();
    site.spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let mut request = [0; 4096];
            if socket.read(&mut request).await.is_ok() {
                socket.write_all(answer.as_bytes()).await.ok();
            }
        }
    });
    Ok((site, address))
}
