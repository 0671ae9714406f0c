"""Every limit of the kernel and the boxes around it in one place, each with its reason."""

MS = 1_000_000
SECOND = 1_000 * MS
HOUR = 3600 * SECOND
DAY = 24 * HOUR

STEP_MAX_NS = 20 * MS  # spec/interlocks.md I26: a longer step is journalled
LAG_MAX_NS = 100 * MS  # I26: inputs waiting longer are journalled
LAG_FAULT_NS = 500 * MS  # I26: twice in a row takes the self-check down

INBOX_QUOTA = 512  # blocks of one source that may wait; 10,000 tags at 10 Hz make 10 a second
COMMANDS_MAX = 64  # commands that may wait: people type, they do not flood
DURABLE_WAIT_NS = 2 * SECOND  # kernel.md: an intention that is not on disk by then is refused

WINDOW_MAX_NS = 24 * HOUR  # time operators look back no further: their buckets live in memory
RULES_MAX = 2_000
EVENT_KEYS_MAX = 256  # people or kinds that one pattern of events remembers, those seen last
TAGS_MAX = 100_000
OUTPUTS_MAX = 512

READ_BACK_NS = 500 * MS  # I11, T_rb: one try
READ_BACK_TRIES = 3  # I11
BLIND_NS = 2 * SECOND  # I12: an energised output may be unreadable this long, as an input may be bad
ENERGISE_GAP_NS = 10 * SECOND  # I21: between two movements away from safe of one output
ENERGISE_PER_HOUR = 6  # I21: more is hunting, latched out
CLEAR_NS = 5 * SECOND  # I14, T_clear
GOOD_NS = 10 * SECOND  # I17: inputs still in the vote are good this long before READY
DEGRADED_MAX_NS = 72 * HOUR  # I8: whatever a rule says, a degraded vote runs no longer
DEGRADED_WARN = 0.75  # I8: share of it at which people are told again
SLOW_SHARE = 0.8  # rules.md: a p99 of trip times above this share of the budget is DEGRADED
BYPASS_MAX_NS = 12 * HOUR  # I19
BYPASS_WARN_NS = 15 * 60 * SECOND  # I19
BYPASS_EXTENSION_NS = 15 * 60 * SECOND  # I19: a bypass so soon after the last one extends it, and needs another person
# I19: why an input may be out: a closed list, so that a year of bypasses can be counted; the free text says the rest.
BYPASS_CODES = ("failed", "calibration", "maintenance", "proof-test", "process")
BYPASS_REASON_MIN = 10  # I19: characters that say why
PROOF_PARTIAL_TRIPS = 10  # I25: measured trips to the PLC's word
PROOF_FULL_TRIPS = 1  # I25: seen at the final element
PROOF_NOTE_MIN = 10  # I25: characters that say what was done and seen
PROOF_TRIPS_MAX = 100  # of one test: their times are one journal row
PROOF_MAX_NS = 8 * HOUR  # a shift; a test that nobody finishes must not lift the hunting limit for ever
OVERRUN_CALM_NS = 60 * SECOND  # I26: without another overrun for so long the line keeps up again
OVERRIDE_MAX_NS = 15 * 60 * SECOND  # I18: whatever a rule says
CONTROL_RETRY_NS = 60 * SECOND  # a control whose output did not follow stays safe this long before it tries again
PERMIT_MAX_NS = 72 * HOUR  # interlocks.md §6: the longest validity of any kind of work
PERMIT_PLACE_MIN = 2  # characters that say where the work is
STAMP_SKEW_MS = 60_000  # §6: kernel time and wall clock may differ so much over the age of a stamp
TELL_GAP_NS = 60 * SECOND  # one rule speaks at most once a minute
TELL_WITHIN_NS = 30 * SECOND  # "put on your belt" is worth nothing later, so nobody tries longer
TELL_CALM_NS = 60 * SECOND  # nothing has failed to be told for so long: its alarm returns, and stays until acknowledged
TELL_WAITING_MAX = 64  # words that may wait for one speaker or role; more than a shift could hear
TELL_APART_S = 2.0  # between two of one speaker or role: a sentence must be heard before the next
ESCALATE_EVERY_NS = 5 * 60 * SECOND  # unanswered for so long, the next level is told
ESCALATE_MAX = 6  # levels; a ladder has an end
STOP_NS = 2 * SECOND  # kernel.md: SIGTERM, write safe and read back

SNAPSHOT_NS = 60 * SECOND  # kernel.md, Restart
ACTIVE_MAX = 200  # upstream.md: lines of the active list
SOURCE_ALARM_NS = 5 * SECOND  # a lost source is an alarm only when it stays away; its values are BAD at once
DEVIATION_SPAN = 0.05  # interlocks.md §3: a channel further from the median than this share of its range
DEVIATION_NS = 10 * SECOND  # for so long

FLOOD_START, FLOOD_END = 10, 5  # alarms.md §5: more than ten in an area start a flood, below five end it
FLOOD_NS = 10 * 60 * SECOND
FLOOD_BURST, FLOOD_BURST_NS = 5, SECOND  # §5: or more than five in a second
CHATTER_CYCLES, CHATTER_NS = 3, 60 * SECOND  # §5
STALE_ALARM_NS = 24 * HOUR  # alarms.md §2
OOS_REVIEW_MS = 24 * 3600 * 1000  # alarms.md §1: out of service is reviewed every day
SHELVE_MAX_MIN = {1: 30, 2: 120, 3: 480, 4: 720}  # alarms.md §1, by a supervisor
SHELVE_OPERATOR_MIN = 30  # alarms.md §1: an operator, and never a P1

ESCALATE_P1_MS = 3 * 60 * 1000  # alarms.md §5: a P1 nobody acknowledged in its time; a site may say otherwise
SOUND_RETRY_NS = 2 * SECOND  # a sounder that did not follow is tried again after this
SOUND_ALARM_NS = SOURCE_ALARM_NS  # and is an alarm once it has not followed for so long
SOUNDERS_MAX = 16  # a horn and a beacon for each of several rooms
KPI_DAYS = 31  # alarms.md §2: 30 whole days and today
KPI_NAMES_MAX = 500  # alarms that are counted by name in one day and place; the rest only in number
KPI_PLACES_MAX = 64  # areas and operator positions with figures of their own
FLEETING_MS = 10_000  # an alarm that was gone before anybody could act on it
