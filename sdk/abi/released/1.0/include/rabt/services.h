/*
 * All services of the host and all extensions of a plugin.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RABT_SERVICES_H
#define RABT_SERVICES_H

#include "rabt/abi.h"
#include "rabt/extension/health.h"
#include "rabt/extension/migrate.h"
#include "rabt/extension/probe.h"
#include "rabt/extension/webhook.h"
#include "rabt/service/blob.h"
#include "rabt/service/clock.h"
#include "rabt/service/http.h"
#include "rabt/service/kv.h"
#include "rabt/service/log.h"
#include "rabt/service/metrics.h"
#include "rabt/service/secrets.h"
#include "rabt/service/sign.h"
#include "rabt/service/thread_check.h"
#include "rabt/service/trace.h"

#endif /* RABT_SERVICES_H */
