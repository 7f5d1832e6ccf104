use std::time::Duration;
use streamtask::{Configuration, Roots, Session, Timeout};
use streamtask_testkit as kit;

const SOON: Duration = Duration::from_secs(10);

#[tokio::test]
async fn life() {
    let authority = kit::Authority::new();
    let settings = kit::TlsSettings::new(&authority.issue(&["localhost", "127.0.0.1"]));
    let server = kit::starttls(settings);
    let session =
        Session::new(Configuration::default().roots(Roots::Only(vec![authority.der()]))).unwrap();
    let task = session.stream_task("127.0.0.1", server.port().into()).unwrap();
    task.resume();
    let greeting = task.read_until("\r\n", 512, SOON).await.unwrap();
    assert_eq!(&greeting.data[..], b"220 testkit ready\r\n");
    for _ in 0..2 {
        task.write("STARTTLS\r\n", SOON).await.unwrap();
        assert_eq!(
            &task.read_until("\r\n", 512, SOON).await.unwrap().data[..],
            b"220 go ahead\r\n"
        );
        let tls = task.start_secure_connection().await.unwrap();
        println!("{tls:?} {:?}", tls.tls_exporter());
        task.write("ECHO hi\r\n", Timeout::NEVER).await.unwrap();
        assert_eq!(&task.read_until("\r\n", 512, SOON).await.unwrap().data[..], b"250 hi\r\n");
        task.write("STOPTLS\r\n", Timeout::NEVER).await.unwrap();
        assert_eq!(
            &task.read_until("\r\n", 512, SOON).await.unwrap().data[..],
            b"220 stopping\r\n"
        );
        task.stop_secure_connection().await.unwrap();
        task.write("ECHO clear\r\n", Timeout::NEVER).await.unwrap();
        assert_eq!(&task.read_until("\r\n", 512, SOON).await.unwrap().data[..], b"250 clear\r\n");
    }
    let (mut input, mut output) = task.capture_streams().await.unwrap();
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    AsyncWriteExt::write_all(&mut output, b"ECHO bye\r\n").await.unwrap();
    let mut b = [0; 9];
    AsyncReadExt::read_exact(&mut input, &mut b).await.unwrap();
    println!("{}", String::from_utf8_lossy(&b));
}
