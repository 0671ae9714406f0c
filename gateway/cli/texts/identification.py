"""Recognising devices: by listening to a network, and by asking approved devices."""

from __future__ import annotations

TEXTS: dict[str, tuple[str, str]] = {
    "identify.which": (
        "Give one of --capture FILE or --interface NAME.",
        "请给出 --capture 文件 或 --interface 网卡 之一。",
    ),
    "identify.no-file": ("There is no file {file}.", "没有文件 {file}。"),
    "identify.cannot-open": ("{file} cannot be opened: {why}", "无法打开 {file}：{why}"),
    "identify.not-permitted": (
        "Listening on {interface} needs the right to open packet sockets. Run it as root, or record a capture there"
        " (tcpdump -i {interface} -w file.pcap) and give it with --capture.",
        "监听 {interface} 需要打开原始套接字的权限。请用 root 运行，或先抓包（tcpdump -i {interface} -w file.pcap），"
        "再用 --capture 给出文件。",
    ),
    "identify.no-interface": (
        "The interface {interface} cannot be listened to: {why}. `ip link` lists what there is.",
        "无法监听网卡 {interface}：{why}。可用 `ip link` 查看现有网卡。",
    ),
    "identify.listening": (
        "Listening on {interface} for {seconds} s; nothing is sent. Ctrl-C ends earlier.",
        "正在监听 {interface}，共 {seconds} 秒；不发送任何报文。Ctrl-C 提前结束。",
    ),
    "identify.process": (
        "The identifying process did not end well on {what}; nothing is said about it.",
        "识别进程处理 {what} 时未正常结束；不作任何结论。",
    ),
    "identify.damaged": (
        "{what}: not readable from byte {offset} on: {reason} What came before it is shown.",
        "{what}：从第 {offset} 字节起无法读取：{reason}此前的内容已列出。",
    ),
    "identify.unreadable": (
        "{what}: not readable from byte {offset} on: {reason}",
        "{what}：从第 {offset} 字节起无法读取：{reason}",
    ),
    "identify.reason.unknown": (
        "this is neither pcap nor pcapng (it begins with {found}).",
        "既不是 pcap 也不是 pcapng（开头为 {found}）。",
    ),
    "identify.reason.empty": ("the file is empty.{found}", "文件为空。{found}"),
    "identify.reason.cut": (
        "the file ends inside a packet ({found} bytes of it are there).",
        "文件在报文中间结束（仅有 {found} 字节）。",
    ),
    "identify.reason.length": (
        "a packet or block cannot be {found} bytes long.",
        "报文或数据块的长度不可能是 {found} 字节。",
    ),
    "identify.reason.block": (
        "a block of more than {found} bytes does not end.",
        "一个超过 {found} 字节的数据块没有结束。",
    ),
    "identify.reason.order": ("a section says neither byte order ({found}).", "区段未说明字节序（{found}）。"),
    "identify.reason.interface": (
        "a packet names interface {found}, which was not described.",
        "报文引用了未描述的接口 {found}。",
    ),
    "identify.reason.gzip": ("the gzip packing is damaged: {found}.", "gzip 压缩已损坏：{found}。"),
    "identify.sum": (
        "{packets} packets looked at, {findings} findings.",
        "已查看 {packets} 个报文，得到 {findings} 项结果。",
    ),
    "identify.left": (
        "Not used: {cut} cut by the capture, {fragments} fragments, {malformed} malformed, {unknown_link} of an"
        " unknown link type; {left_out} flows beyond the limit.",
        "未使用：抓包截断 {cut}，分片 {fragments}，格式错误 {malformed}，未知链路类型 {unknown_link}；超限的流"
        " {left_out}。",
    ),
    "identify.hints": (
        "{count} known ports carried nothing that proves their protocol; they are no identification (-o json lists"
        " them).",
        "有 {count} 个已知端口上没有能证明协议的内容，不算识别结果（-o json 可列出）。",
    ),
    "scan.asking": (
        "Asking {count} devices, one read a second each; everything sent and heard goes to {log}.",
        "正在询问 {count} 台设备，每台每秒一次读取；收发的全部字节写入 {log}。",
    ),
    "scan.silent": (
        "{target}: {asked} reads, no answer that proves a protocol.",
        "{target}：读取 {asked} 次，没有能证明协议的应答。",
    ),
    "scan.failed.refused": (
        "{target}: {protocol}, port {port}: {read} was refused; nothing listens there.",
        "{target}：{protocol}，端口 {port}：{read} 被拒绝，该端口无人监听。",
    ),
    "scan.failed.unreachable": (
        "{target}: {protocol}, port {port}: {read} did not get through; check address, route and cable.",
        "{target}：{protocol}，端口 {port}：{read} 无法送达；请检查地址、路由和网线。",
    ),
    "scan.failed.silent": (
        "{target}: {protocol}, port {port}: no answer to {read} within 3 s.",
        "{target}：{protocol}，端口 {port}：{read} 在 3 秒内没有应答。",
    ),
    "scan.failed.closed": (
        "{target}: {protocol}, port {port}: the device closed the connection at {read}.",
        "{target}：{protocol}，端口 {port}：设备在 {read} 时关闭了连接。",
    ),
    "scan.failed.unproven": (
        "{target}: {protocol}, port {port}: answers came, up to {read}, but they do not prove the protocol.",
        "{target}：{protocol}，端口 {port}：直到 {read} 都有应答，但不能证明该协议。",
    ),
    "scan.broken": (
        "Stopped for all: a device answers more slowly ({why}). Look at the plant before anything else is asked.",
        "已全部停止：有设备应答变慢（{why}）。请先查看现场，再作询问。",
    ),
    "scan.refused.file": ("The approvals cannot be read: {about}", "无法读取批准文件：{about}"),
    "scan.refused.unknown": ("{about} is not approved. Nothing was sent.", "{about} 未经批准。未发送任何报文。"),
    "scan.refused.twice": (
        "{about} stands for more than one target. Nothing was sent.",
        "{about} 对应多个目标。未发送任何报文。",
    ),
    "scan.refused.expired": (
        "The approval of {about} has ended. Nothing was sent.",
        "{about} 的批准已到期。未发送任何报文。",
    ),
    "scan.refused.too-long": (
        "The approval of {about} runs for more than 31 days. Nothing was sent.",
        "{about} 的批准超过 31 天。未发送任何报文。",
    ),
    "scan.refused.nobody": (
        "Nobody approved {about}: “by” is empty. Nothing was sent.",
        "没有人批准 {about}：“by” 为空。未发送任何报文。",
    ),
    "scan.refused.address": (
        "That is no IPv4 address: {about}. Nothing was sent.",
        "不是 IPv4 地址：{about}。未发送任何报文。",
    ),
    "scan.refused.never": (
        "{about} is on the list of what is never asked. Nothing was sent.",
        "{about} 在禁止询问的清单上。未发送任何报文。",
    ),
    "scan.refused.outputs": (
        "{about} carries outputs that are not all tripped, or the daemon does not say so. Nothing was sent.",
        "{about} 带有未全部处于联锁动作状态的输出，或守护进程未予确认。未发送任何报文。",
    ),
    "scan.refused.protocol": (
        "There is no such protocol to ask: {about}. Nothing was sent.",
        "没有可询问的协议：{about}。未发送任何报文。",
    ),
    "scan.refused.log": (
        "The log cannot be made (it is never overwritten): {about}. Nothing was sent.",
        "无法建立记录文件（从不覆盖）：{about}。未发送任何报文。",
    ),
}
