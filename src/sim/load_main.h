/* SPDX-License-Identifier: Apache-2.0 */
/* load_main.h: busbarsim load: writes made loads as files. Main thread. */
#ifndef BUSBAR_SIM_LOAD_MAIN_H
#define BUSBAR_SIM_LOAD_MAIN_H

int load_main(int argc, char **argv);

#endif
