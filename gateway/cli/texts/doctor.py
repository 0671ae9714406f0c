"""What `gatehouse doctor` says, in English and Chinese: the name of each check, what was found, and what to do."""

from __future__ import annotations

DOCTOR: dict[str, tuple[str, str]] = {
    "doctor.count": ("{count}", "{count}"),
    "doctor.gb": ("{gb} GB", "{gb} GB"),
    "doctor.none": ("none", "无"),
    "doctor.celsius": ("{degrees} °C", "{degrees} °C"),
    "doctor.mode": ("{file}: {mode}", "{file}：{mode}"),
    "doctor.percent": ("{percent} % free", "剩余 {percent} %"),
    "doctor.present": ("present", "有"),
    "doctor.missing": ("missing: {what}", "缺少：{what}"),
    "doctor.plain-page": ("{address} without TLS", "{address} 未加密"),
    "doctor.people-are": (
        "{supervisors} supervisors, {engineers} engineers",
        "班长 {supervisors} 人，工程师 {engineers} 人",
    ),
    "doctor.pins-are": ("{count} of {all} can sign in", "{all} 人中 {count} 人可登录"),
    "doctor.size": ("{count} files, {mb} MB", "{count} 个文件，{mb} MB"),
    "doctor.last": ("last written {seconds} s ago", "{seconds} 秒前写入"),
    "doctor.us": ("{us} µs", "{us} µs"),
    "doctor.ms": ("{ms} ms", "{ms} ms"),
    "doctor.reached": ("{up} of {all} answer; not: {names}", "{all} 台中 {up} 台应答，未应答：{names}"),
    "doctor.versions": ("running {running}, installed {installed}", "运行 {running}，已安装 {installed}"),
    "doctor.cores": ("Processor cores", "处理器核数"),
    "remedy.cores": ("Two cores are the least: the daemon needs one for itself.", "至少需要两个核，守护进程独占一个。"),
    "doctor.ram": ("Memory of the box", "内存容量"),
    "remedy.ram": ("The gateway wants 1 GB at least; with cameras 4 GB.", "网关至少需要 1 GB 内存，带摄像机时 4 GB。"),
    "doctor.swap": ("Swap", "交换分区"),
    "remedy.swap": (
        "Turn swap off (swapoff -a, and /etc/fstab): personal values must not reach a disk by that way.",
        "请关闭交换分区（swapoff -a 并修改 /etc/fstab），以免个人数据经此写入磁盘。",
    ),
    "doctor.load": ("Load", "系统负载"),
    "remedy.load": (
        "Something else works hard on this box: look with top, and move it elsewhere.",
        "本机有其他程序占用大量资源，请用 top 查看并迁走。",
    ),
    "doctor.heat": ("Temperature", "温度"),
    "remedy.heat": (
        "Give the box air: above 85 °C it slows down by itself.",
        "请改善散热，超过 85 °C 处理器会自动降频。",
    ),
    "doctor.governor": ("Processor speed", "处理器调频"),
    "remedy.governor": (
        "Set the governor to performance: cpupower frequency-set -g performance",
        "请设为性能模式：cpupower frequency-set -g performance",
    ),
    "doctor.kernel": ("Kernel of the system", "系统内核"),
    "remedy.kernel": ("Use Linux 5.10 or later.", "请使用 Linux 5.10 或更新的内核。"),
    "doctor.system": ("Operating system", "操作系统"),
    "remedy.system": (
        "Debian 12 or Ubuntu 22.04 and later are what it is tried on.",
        "已在 Debian 12、Ubuntu 22.04 及更新版本上验证。",
    ),
    "doctor.locale": ("Character set", "字符集"),
    "remedy.locale": (
        "Set a UTF-8 locale: localectl set-locale LANG=zh_CN.UTF-8",
        "请设置 UTF-8 语言环境：localectl set-locale LANG=zh_CN.UTF-8",
    ),
    "doctor.assertions": ("Assertions of the kernel", "内核断言"),
    "remedy.assertions": (
        "Take PYTHONOPTIMIZE out of the environment: the daemon refuses to start with it.",
        "请从环境变量中去掉 PYTHONOPTIMIZE，否则守护进程拒绝启动。",
    ),
    "doctor.files": ("Open files", "可打开文件数"),
    "remedy.files": (
        "Set LimitNOFILE=8192 in the service; the shipped unit has it.",
        "请在服务单元中设置 LimitNOFILE=8192，随附的单元已包含。",
    ),
    "doctor.dumps": ("Crash dumps", "崩溃转储"),
    "remedy.dumps": (
        "Set LimitCORE=0: a dump would hold personal values.",
        "请设置 LimitCORE=0，转储文件会包含个人数据。",
    ),
    "doctor.year": ("Date plausible", "日期合理"),
    "remedy.year": (
        "Set the clock, and change the battery of the clock if it is lost again.",
        "请校准时钟；若再次丢失，请更换时钟电池。",
    ),
    "doctor.rtc": ("Battery clock", "硬件时钟"),
    "remedy.rtc": (
        "Without a battery clock the box starts with a wrong date; give it an NTP server that it can reach.",
        "没有硬件时钟，开机日期会出错，请配置可达的 NTP 服务器。",
    ),
    "doctor.ntp": ("Time servers of the site", "站点时间服务器"),
    "remedy.ntp": (
        'Name one: site.toml, [time] ntp = ["192.168.10.1"]',
        '请在 site.toml 的 [time] ntp 中填写，例如 ["192.168.10.1"]',
    ),
    "doctor.watchdog": ("Hardware watchdog", "硬件看门狗"),
    "remedy.watchdog": (
        "Load its driver (modprobe) and set RuntimeWatchdogSec in /etc/systemd/system.conf.",
        "请加载驱动（modprobe）并在 /etc/systemd/system.conf 设置 RuntimeWatchdogSec。",
    ),
    "doctor.inodes": ("Free inodes", "剩余 inode"),
    "remedy.inodes": (
        "Delete small files on that disk: it can take no more of them.",
        "该磁盘可容纳的文件数将尽，请删除小文件。",
    ),
    "doctor.mount": ("Disk of the state writable", "状态盘可写"),
    "remedy.mount": (
        "It is mounted read-only, mostly after an error: look with dmesg, check the disk, mount it again.",
        "该盘以只读方式挂载，通常因磁盘出错：请查看 dmesg，检查磁盘后重新挂载。",
    ),
    "doctor.state-mode": ("State directory closed to others", "状态目录权限"),
    "remedy.state-mode": (
        "chmod 700 the directory: it holds evidence and keys.",
        "请执行 chmod 700，该目录存有证据与密钥。",
    ),
    "doctor.secrets-mode": ("PINs closed to others", "PIN 文件权限"),
    "remedy.secrets-mode": (
        "chmod 600 what is in access/ of the state directory.",
        "请对状态目录下 access/ 中的文件执行 chmod 600。",
    ),
    "doctor.box-key": ("Key of the box", "本机签名密钥"),
    "remedy.box-key": (
        "It is made at the first start. If it is readable by others: chmod 600, and tell who checks bundles.",
        "首次启动时生成。若他人可读，请 chmod 600 并告知证据核对人员。",
    ),
    "doctor.site-mode": ("Site folder closed to others", "站点文件夹权限"),
    "remedy.site-mode": (
        "chmod o-w it: whoever can write there can change limits.",
        "请执行 chmod o-w，能写入者即可修改限值。",
    ),
    "doctor.tls-key": ("Key for the broker closed to others", "上报私钥权限"),
    "remedy.tls-key": ("chmod 600 the key that [upstream] names.", "请对 [upstream] 所指私钥执行 chmod 600。"),
    "doctor.page-tls": ("Page on the network over TLS", "页面网络访问加密"),
    "remedy.page-tls": (
        "Set [page] tls = true, or listen on 127.0.0.1 only: without TLS the page shows nothing to the network.",
        "请设置 [page] tls = true，或只监听 127.0.0.1；未加密时网络侧看不到任何内容。",
    ),
    "doctor.page-certificate": ("Certificate of the page", "页面证书"),
    "remedy.page-certificate": (
        "The daemon renews its own by itself; replace the one that the site names.",
        "自签证书由守护进程自动更新；站点指定的证书请及时更换。",
    ),
    "doctor.people": ("People of the site", "站点人员"),
    "remedy.people": (
        "Add a supervisor, who resets, and an engineer, who arms: gatehouse user add",
        "请用 gatehouse user add 添加可复位的班长和可投用的工程师。",
    ),
    "doctor.pins": ("Who can sign in", "可登录人员"),
    "remedy.pins": (
        "Give them a PIN: gatehouse user pin SITE NAME --issue",
        "请设置 PIN：gatehouse user pin SITE NAME --issue",
    ),
    "doctor.journal": ("Journal", "事件日志"),
    "remedy.journal": (
        "Check it: gatehouse journal verify SITE; restore the last backup if it is damaged.",
        "请执行 gatehouse journal verify SITE 检查；若损坏请恢复最近备份。",
    ),
    "doctor.history": ("History", "历史记录"),
    "remedy.history": (
        "Start the daemon; if it runs, its disk is full or cannot be written.",
        "请启动守护进程；若已运行，则磁盘已满或不可写。",
    ),
    "doctor.bundles": ("Trip bundles", "动作证据包"),
    "remedy.bundles": (
        "They are written half a minute after a trip; look at the log of the daemon.",
        "每次动作后约半分钟生成，请查看守护进程日志。",
    ),
    "doctor.service": ("Service enabled", "服务自启动"),
    "remedy.service": ("systemctl enable --now gatehouse", "请执行 systemctl enable --now gatehouse"),
    "doctor.restarts": ("Restarts of the service", "服务重启次数"),
    "remedy.restarts": (
        "It has ended by itself: journalctl -u gatehouse -p warning",
        "服务曾自行退出：journalctl -u gatehouse -p warning",
    ),
    "doctor.groups": ("Groups of the roles", "角色用户组"),
    "remedy.groups": (
        "systemd-sysusers /usr/lib/sysusers.d/gatehouse.conf",
        "请执行 systemd-sysusers /usr/lib/sysusers.d/gatehouse.conf",
    ),
    "doctor.log-kept": ("Log kept over a restart", "日志持久化"),
    "remedy.log-kept": (
        "mkdir /var/log/journal, then: systemctl restart systemd-journald",
        "mkdir /var/log/journal，再执行 systemctl restart systemd-journald",
    ),
    "doctor.ssh": ("Passwords over SSH", "SSH 密码登录"),
    "remedy.ssh": (
        "Set PasswordAuthentication no: keys only, one for each person.",
        "请设置 PasswordAuthentication no，仅用密钥，一人一钥。",
    ),
    "doctor.network": ("Network cable", "网络连接"),
    "remedy.network": (
        "No interface has a link: check cable and switch.",
        "没有网口处于连接状态，请检查网线与交换机。",
    ),
    "doctor.net-errors": ("Errors on the network", "网络错误"),
    "remedy.net-errors": (
        "Change the cable or the port: broken frames cost late values.",
        "请更换网线或端口，坏帧会导致数据延迟。",
    ),
    "doctor.devices": ("Devices reachable", "设备可达"),
    "remedy.devices": (
        "Check supply, cable, address and firewall of the device that is named.",
        "请检查所列设备的供电、网线、地址与防火墙。",
    ),
    "doctor.same-version": ("Daemon as installed", "守护进程版本"),
    "remedy.same-version": (
        "Restart it when the plant allows: it still runs the version before.",
        "守护进程仍是旧版本，请在工况允许时重启。",
    ),
    "doctor.step": ("Time of a decision", "判断耗时"),
    "remedy.step": (
        "99 of 100 decisions take under 5 ms; above it look for load, or for a rule over many tags.",
        "99% 的判断应在 5 ms 内完成，超过时请检查负载或涉及位号过多的规则。",
    ),
    "doctor.lag": ("Lag of the daemon", "守护进程滞后"),
    "remedy.lag": (
        "Above 100 ms something holds the processor: look with top.",
        "超过 100 ms 说明处理器被占用，请用 top 查看。",
    ),
    "doctor.journal-live": ("Journal takes events", "日志写入"),
    "remedy.journal-live": (
        "The disk refuses: free space, or look with dmesg. What gives permission is refused until then.",
        "磁盘拒绝写入：请释放空间或查看 dmesg。在此之前凡给出允许的操作均被拒绝。",
    ),
    "doctor.fonts": ("Chinese letters on the screen", "中文字体"),
    "remedy.fonts": ("apt-get install fonts-noto-cjk", "请执行 apt-get install fonts-noto-cjk"),
}
