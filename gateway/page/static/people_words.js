// The words of the worker's own page, in both languages; loaded only when somebody opens it.
export default {
  "en": {
    "title": "My data", "sign-in": "Sign in with your PIN first: only you can see this.", "again": "Try again",
    "now": "What is kept of you now", "collected": "Collected: {0}.", "nothing": "Nothing is collected of you.",
    "latest": "Heart rate {0} per minute, skin {1} °C.", "fatigue": "Fatigue index {0}, confidence {1}.",
    "fatigue.not": "It tells you to rest. It must not be used to rate, pay or discipline anybody, nor instead of a physician.",
    "export": "Copy as {0}", "report": "Report of this month", "erase": "Erase everything", "erase.reason": "asked for on the page",
    "erase.sure": "This destroys the key of everything of yours. Nothing brings it back. Type {0} to go on.",
    "consented": "agreed until {0}", "not-consented": "not agreed", "read": "Read", "agree": "I have read it and agree",
    "withdraw": "Take back", "withdraw.sure": "Take back “{0}”? Collection stops and your records are erased.",
    "events": "What was counted", "when": "When", "kind": "Kind", "none": "Nothing in the last 24 h.", "month": "In {0}", "row": "In a row",
    "correction": "Correction", "correct": "This is wrong", "correct.now": "What would be right?", "correct.why": "Why?",
    "looked": "Who looked at your data", "what": "What", "who": "Who", "why": "Reason", "nobody": "Nobody did.",
    "rights": "All this is yours. Taking it back costs you nothing: no rule asks for it, and there is no ranking. To object, talk to your safety officer or the labour inspectorate.",
    "key": "The key of your data is kept {0}.", "key.tpm2": "in the TPM of this box", "key.systemd-creds": "in a file that only this machine can open",
    "key.key-file": "in a file on this box", "key.none": "nowhere at the moment",
    "stream.ppg": "pulse wave", "stream.ecg": "ECG", "stream.motion": "motion", "stream.heart_rate": "heart rate",
    "stream.skin_temperature": "skin temperature", "stream.position": "position", "stream.behaviour": "events"
  },
  "zh-CN": {
    "title": "我的数据", "sign-in": "请先用 PIN 登录：只有您本人能看到。", "again": "重试",
    "now": "目前保存的内容", "collected": "正在采集：{0}。", "nothing": "没有采集您的任何数据。",
    "latest": "心率 {0} 次/分，皮温 {1} °C。", "fatigue": "疲劳指数 {0}，置信度 {1}。",
    "fatigue.not": "它用于提醒您休息，不得用于评价、计酬或处分，也不能代替医生。",
    "export": "导出 {0}", "report": "本月报告", "erase": "全部删除", "erase.reason": "在页面上提出",
    "erase.sure": "将销毁您全部数据的密钥，无法恢复。输入 {0} 继续。",
    "consented": "已同意，有效期至 {0}", "not-consented": "未同意", "read": "阅读说明", "agree": "我已阅读并同意",
    "withdraw": "撤回同意", "withdraw.sure": "撤回“{0}”？将停止采集并删除您的记录。",
    "events": "行为计数", "when": "时间", "kind": "类别", "none": "最近 24 小时内没有。", "month": "{0} 月次数", "row": "连续次数",
    "correction": "更正", "correct": "有误", "correct.now": "正确内容是什么？", "correct.why": "理由？",
    "looked": "谁查看过您的数据", "what": "内容", "who": "查看人", "why": "理由", "nobody": "没有人查看。",
    "rights": "以上数据归您所有。撤回不会带来任何不利：没有规则会问起，也没有排名。如有异议，请找安全员或劳动监察部门。",
    "key": "您的数据密钥存放在{0}。", "key.tpm2": "本机的 TPM 中", "key.systemd-creds": "仅本机可解密的文件中",
    "key.key-file": "本机的文件中", "key.none": "（目前不可用）",
    "stream.ppg": "脉搏波", "stream.ecg": "心电", "stream.motion": "运动", "stream.heart_rate": "心率",
    "stream.skin_temperature": "皮温", "stream.position": "位置", "stream.behaviour": "行为事件"
  }
}
