#include "alarm.h"

#if defined(__arm__)

#include "mv_syscalls.h"

/* By the reference manual, at the non-secure address; that Microvisor has started the clock of the RTC is assumed. */
#define RTC_REGISTER(offset) (*(volatile uint32_t *)(0x46007800U + (offset)))
#define RTC_ICSR             RTC_REGISTER(0x0cU)
#define RTC_WUTR             RTC_REGISTER(0x14U)
#define RTC_CR               RTC_REGISTER(0x18U)
#define RTC_WPR              RTC_REGISTER(0x24U)
#define RTC_SCR              RTC_REGISTER(0x5cU)

#define ICSR_WUTWF        (1U << 2)
#define CR_WUTE           (1U << 10)
#define CR_WUTIE          (1U << 14)
#define CR_WUCKSEL        7U
#define CR_WUCKSEL_SECOND 4U
#define SCR_CWUTF         (1U << 2)

#define RCC_APB3ENR      0x46020ca8U
#define APB3ENR_RTCAPBEN (1U << 21)
#define TRIES            100000U

static bool timer_may_be_written(void)
{
        for (unsigned i = 0; i < TRIES; i++) {
                if (RTC_ICSR & ICSR_WUTWF)
                        return true;
        }
        return false;
}

/* The registers of RCC are Microvisor's: new = (old AND mask) XOR value. */
bool alarm_set(uint32_t seconds)
{
        if (mvPeriphPoke32(RCC_APB3ENR, ~APB3ENR_RTCAPBEN, APB3ENR_RTCAPBEN) != MV_STATUS_OKAY)
                return false;
        RTC_WPR = 0xca;
        RTC_WPR = 0x53;
        RTC_CR &= ~(CR_WUTE | CR_WUTIE | CR_WUCKSEL);
        bool ready = timer_may_be_written();
        RTC_WUTR = seconds - 1;
        RTC_SCR = SCR_CWUTF;
        RTC_CR |= CR_WUCKSEL_SECOND | CR_WUTIE | CR_WUTE;
        RTC_WPR = 0xff;
        return ready;
}

#else

#include "mvsim/mvsim.h"
#include "stm32u5xx.h"

#define US_PER_S 1000000U

/* The simulator has no peripherals: what the timer would do is asked of it. */
bool alarm_set(uint32_t seconds)
{
        return mvsim_pend_irq(RTC_IRQn, (uint64_t)seconds * US_PER_S) == 0;
}

#endif
