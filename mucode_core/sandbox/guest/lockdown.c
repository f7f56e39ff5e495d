/* A program's lockdown in one call; `lockdown.py` holds the same steps in Python, for where no compiler was at hand. */
#define _GNU_SOURCE
#include <errno.h>
#include <grp.h>
#include <linux/filter.h>
#include <signal.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

struct limit {
    int32_t resource;
    uint64_t value;
};

/* Returns 0, or the errno of the step that failed.
   `user` < 0: keep the user. `rules` < 0: no rules on files. `filter` NULL: no filter of system calls; else `pid_slot`
   is the index of the instruction that compares with the process's own id. */
int mucode_lock_down(pid_t parent, int last_descriptor, const struct limit *limits, int num_limits, int64_t user,
                     int rules, struct sock_fprog *filter, int pid_slot) {
    setsid();
    for (int i = 0; i < num_limits; i++) {
        struct rlimit limit = {limits[i].value, limits[i].value};
        if (setrlimit(limits[i].resource, &limit)) return errno;
    }
    if (user >= 0 && (setgroups(0, 0) || setresgid(user, user, user) || setresuid(user, user, user))) return errno;
    if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0)) return errno;
    if (getppid() != parent) return ESRCH;
    if (rules >= 0 && syscall(446, rules, 0)) return errno; /* landlock_restrict_self */
    if (syscall(436, last_descriptor + 1, ~0U, 0)) return errno; /* close_range */
    if (filter) {
        filter->filter[pid_slot].k = getpid();
        if (prctl(PR_SET_SECCOMP, 2, filter, 0, 0)) return errno; /* SECCOMP_MODE_FILTER */
    }
    return 0;
}
