/* TLS to a broker: whom it trusts, what it shows, and how each mistake is answered. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "broker.h"
#include "child.h"
#include "mqtt.h"
#include "process.h"
#include "suite.h"

#define DER_SIZE 2048

static struct mvt_pki pki, other_pki;
static struct mvt_broker broker;
static MvChannelHandle channel;

/* A file's contents in DER, as a string of the API's. */
struct der {
        uint8_t bytes[DER_SIZE];
};

static struct MvSizedString certificate(struct der *room, const char *file)
{
        return (struct MvSizedString){room->bytes,
                                      (uint32_t)mvt_pki_der_certificate(file, room->bytes, sizeof room->bytes)};
}

static struct MvSizedString key(struct der *room, const char *file)
{
        return (struct MvSizedString){room->bytes, (uint32_t)mvt_pki_der_key(file, room->bytes, sizeof room->bytes)};
}

static void begin(void)
{
        mvt_pki_init(&pki);
        mvt_pki_init(&other_pki);
}

static void end(void)
{
        if (channel)
                mvt_channel_close(&channel);
        mvt_online_end();
        mvt_broker_finish(&broker);
        mvt_pki_finish(&pki);
        mvt_pki_finish(&other_pki);
}

/* A broker whose certificate says so, and a device that trusts the first authority, or what `ca_file` says. */
static void boot_with(const char *names, int days, const char *client_ca_file, const char *ca_file)
{
        struct mvt_certificate own;
        mvt_pki_issue(&pki, names, days, &own);
        mvt_broker_start(&broker, &(struct mvt_broker_options){.certificate = &own, .client_ca_file = client_ca_file});
        mvt_mqtt_boot(&(struct mvt_mqtt_boot){.port = broker.port, .tls = true, .ca_file = ca_file});
        channel = mvt_mqtt_open(0);
}

static void expect_answer(const struct MvMqttConnectRequest *request, enum MvMqttRequestState state, uint32_t code)
{
        struct MvMqttConnectResponse response = mvt_mqtt_answer(channel, request);
        ck_assert_int_eq(response.request_state, state);
        ck_assert_uint_eq(response.reason_code, code);
}

static void expect_state(enum MvMqttRequestState state)
{
        const struct MvMqttConnectRequest request = mvt_mqtt_request();
        expect_answer(&request, state, 0);
}

/* ---- the broker's certificate ---- */

START_TEST(a_trusted_broker_is_connected_to)
{
        static const char *const names[] = {"DNS:broker.example.com", "IP:127.0.0.1", "DNS:*.example.com"};
        boot_with(names[_i], 30, NULL, pki.ca_file);
        expect_state(MV_MQTTREQUESTSTATE_REQUESTCOMPLETED);
        mvt_mqtt_subscribe(channel, "a", 1);
        expect_okay(mvt_mqtt_try_publish(channel, 1, "a", "payload", 1, 0));
        for (int i = 0; i < 2; i++) { /* in either order */
                wait_until(mvt_mqtt_next(channel) != MV_MQTTREADABLEDATATYPE_NONE);
                if (mvt_mqtt_next(channel) == MV_MQTTREADABLEDATATYPE_PUBLISHRESPONSE)
                        mvt_mqtt_published(channel);
                else
                        expect_okay(mvMqttAcknowledgeMessage(channel, mvt_mqtt_expect(channel, "a", "payload", 1)));
        }
}
END_TEST

/* However the one before ended: without a word, or in order. */
START_TEST(a_session_goes_on_over_several_connections)
{
        struct MvMqttConnectRequest request = mvt_mqtt_request();
        request.clean_start = 0;
        boot_with("DNS:" MVT_BROKER_HOST, 30, NULL, pki.ca_file);
        mvt_mqtt_connect(channel, &request);
        mvt_mqtt_subscribe(channel, "in", 2);
        for (int i = 0; i < 3; i++) {
                if (_i) {
                        expect_okay(mvMqttRequestDisconnect(channel));
                        mvt_mqtt_disconnected(channel);
                }
                mvt_channel_close(&channel);
                channel = mvt_mqtt_open(0);
                mvt_mqtt_connect(channel, &request);
                expect_okay(mvt_mqtt_try_publish(channel, 1, "in", "payload", 2, 0));
                mvt_mqtt_await(channel, MV_MQTTREADABLEDATATYPE_PUBLISHRESPONSE);
                mvt_mqtt_published(channel);
                expect_okay(mvMqttAcknowledgeMessage(channel, mvt_mqtt_expect(channel, "in", "payload", 2)));
        }
}
END_TEST

START_TEST(an_authority_that_is_not_trusted)
{
        boot_with("DNS:" MVT_BROKER_HOST, 30, NULL, _i ? other_pki.ca_file : NULL);
        expect_state(MV_MQTTREQUESTSTATE_UNKNOWNCA);
}
END_TEST

START_TEST(a_certificate_in_another_name)
{
        boot_with("DNS:other.example.com", 30, NULL, pki.ca_file);
        expect_state(MV_MQTTREQUESTSTATE_UNKNOWNCA);
}
END_TEST

START_TEST(a_certificate_that_has_expired)
{
        boot_with("DNS:" MVT_BROKER_HOST, -2, NULL, pki.ca_file);
        expect_state(MV_MQTTREQUESTSTATE_CERTIFICATEEXPIRED);
}
END_TEST

/* It resets the connection, which is another thing than to refuse it. */
START_TEST(a_broker_without_tls)
{
        char said[MVT_OUTPUT_SIZE];
        mvt_broker_start(&broker, NULL);
        mvt_mqtt_boot(&(struct mvt_mqtt_boot){.port = broker.port, .tls = true, .ca_file = pki.ca_file});
        channel = mvt_mqtt_open(0);
        mvt_capture_begin();
        expect_state(MV_MQTTREQUESTSTATE_SOCKETERROR);
        mvt_capture_end(said);
        ck_assert_msg(mvt_count(said, " did not come about: ") == 1, "%s", said);
        ck_assert_msg(mvt_count(said, "Connection refused") == 0, "%s", said);
}
END_TEST

/* The first bytes are tried before the connection stands. */
START_TEST(nobody_listens)
{
        mvt_broker_start(&broker, NULL);
        mvt_broker_stop(&broker);
        mvt_mqtt_boot(&(struct mvt_mqtt_boot){.port = broker.port, .tls = true, .ca_file = pki.ca_file});
        channel = mvt_mqtt_open(0);
        expect_state(MV_MQTTREQUESTSTATE_SOCKETERROR);
}
END_TEST

START_TEST(authorities_that_cannot_be_read)
{
        boot_with("DNS:" MVT_BROKER_HOST, 30, NULL, "/no/such/file.pem");
        expect_state(MV_MQTTREQUESTSTATE_UNKNOWNCA);
}
END_TEST

/* ---- what the application brings ---- */

START_TEST(the_applications_authority_counts_in_place_of_the_profiles)
{
        static struct der ca;
        struct MvMqttConnectRequest request = mvt_mqtt_request();
        const struct MvSizedString trusted = certificate(&ca, _i ? other_pki.ca_file : pki.ca_file);
        const struct MvTlsCredentials tls = {.cacert = {1, &trusted}};
        boot_with("DNS:" MVT_BROKER_HOST, 30, NULL, _i ? pki.ca_file : other_pki.ca_file);
        request.tls_credentials = &tls;
        expect_answer(&request, _i ? MV_MQTTREQUESTSTATE_UNKNOWNCA : MV_MQTTREQUESTSTATE_REQUESTCOMPLETED, 0);
}
END_TEST

START_TEST(any_of_several_authorities_will_do)
{
        static struct der rooms[2];
        struct MvMqttConnectRequest request = mvt_mqtt_request();
        const struct MvSizedString trusted[] = {certificate(&rooms[0], _i ? pki.ca_file : other_pki.ca_file),
                                                certificate(&rooms[1], _i ? other_pki.ca_file : pki.ca_file)};
        const struct MvTlsCredentials tls = {.cacert = {2, trusted}};
        boot_with("DNS:" MVT_BROKER_HOST, 30, NULL, other_pki.ca_file);
        request.tls_credentials = &tls;
        expect_answer(&request, MV_MQTTREQUESTSTATE_REQUESTCOMPLETED, 0);
}
END_TEST

/* OpenSSL's own variable says where this computer has its authorities. */
START_TEST(without_any_the_computers_authorities_count)
{
        ck_assert_int_eq(setenv("SSL_CERT_FILE", _i ? other_pki.ca_file : pki.ca_file, 1), 0);
        boot_with("DNS:" MVT_BROKER_HOST, 30, NULL, NULL);
        expect_state(_i ? MV_MQTTREQUESTSTATE_UNKNOWNCA : MV_MQTTREQUESTSTATE_REQUESTCOMPLETED);
        unsetenv("SSL_CERT_FILE");
}
END_TEST

/* The broker knows the authority at the top; the one between is in the chain. */
START_TEST(a_client_shows_the_chain_of_its_certificate)
{
        static struct der rooms[2], key_room;
        struct mvt_pki between;
        struct mvt_certificate mine;
        struct MvMqttConnectRequest request = mvt_mqtt_request();
        mvt_pki_init_below(&between, &pki);
        mvt_pki_issue(&between, "DNS:device", 30, &mine);
        const struct MvSizedString chain[] = {certificate(&rooms[0], mine.cert_file),
                                              certificate(&rooms[1], between.ca_file)};
        const struct MvTlsCredentials tls = {.clientcert = {{_i ? 1 : 2, chain}, key(&key_room, mine.key_file)}};
        boot_with("DNS:" MVT_BROKER_HOST, 30, pki.ca_file, pki.ca_file);
        request.tls_credentials = &tls;
        expect_answer(&request, _i ? MV_MQTTREQUESTSTATE_SOCKETERROR : MV_MQTTREQUESTSTATE_REQUESTCOMPLETED, 0);
        mvt_pki_finish(&between);
}
END_TEST

/* A broker with several names has a certificate for each, and is told in the clear which one is asked for. */
START_TEST(the_broker_is_told_which_name_was_asked_for)
{
        uint8_t bytes[4096];
        size_t len = 0;
        uint16_t port = 0;
        int listener = mvt_listen(&port);
        const struct MvMqttConnectRequest request = mvt_mqtt_request();
        mvt_mqtt_boot(&(struct mvt_mqtt_boot){.port = port, .tls = true, .ca_file = pki.ca_file});
        channel = mvt_mqtt_open(0);
        expect_okay(mvMqttRequestConnect(channel, &request));
        int fd = accept(listener, NULL, NULL);
        ck_assert_int_ge(fd, 0);
        while (!memmem(bytes, len, MVT_BROKER_HOST, strlen(MVT_BROKER_HOST))) {
                ssize_t got = len < sizeof bytes ? read(fd, bytes + len, sizeof bytes - len) : 0;
                ck_assert_msg(got > 0, "%zu bytes, and no name in them", len);
                len += (size_t)got;
        }
        close(fd);
        close(listener);
}
END_TEST

START_TEST(empty_credentials_are_none)
{
        const struct MvTlsCredentials tls = {0};
        struct MvMqttConnectRequest request = mvt_mqtt_request();
        boot_with("DNS:" MVT_BROKER_HOST, 30, NULL, pki.ca_file);
        request.tls_credentials = &tls;
        expect_answer(&request, MV_MQTTREQUESTSTATE_REQUESTCOMPLETED, 0);
}
END_TEST

START_TEST(a_client_shows_its_certificate)
{
        static struct der cert_room, key_room;
        struct mvt_certificate mine;
        struct MvMqttConnectRequest request = mvt_mqtt_request();
        mvt_pki_issue(_i ? &other_pki : &pki, "DNS:device", 30, &mine);
        const struct MvSizedString chain = certificate(&cert_room, mine.cert_file);
        const struct MvTlsCredentials tls = {.clientcert = {{1, &chain}, key(&key_room, mine.key_file)}};
        boot_with("DNS:" MVT_BROKER_HOST, 30, pki.ca_file, pki.ca_file);
        request.tls_credentials = &tls;
        if (_i)
                expect_answer(&request, MV_MQTTREQUESTSTATE_SOCKETERROR,
                              0); /* the broker does not know that authority */
        else
                mvt_mqtt_connect(channel, &request);
}
END_TEST

START_TEST(a_client_that_shows_none_is_refused)
{
        boot_with("DNS:" MVT_BROKER_HOST, 30, pki.ca_file, pki.ca_file);
        expect_state(MV_MQTTREQUESTSTATE_SOCKETERROR);
}
END_TEST

/* PEM in place of DER; a key in place of a certificate; somebody else's key; a certificate with a byte too many. */
START_TEST(credentials_that_are_not_der_or_do_not_fit)
{
        static struct der ca, cert_room, key_room;
        static const uint8_t pem[] = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n";
        struct mvt_certificate mine, another;
        struct MvMqttConnectRequest request = mvt_mqtt_request();
        mvt_pki_issue(&pki, "DNS:device", 30, &mine);
        mvt_pki_issue(&pki, "DNS:another", 30, &another);
        struct MvSizedString trusted = certificate(&ca, pki.ca_file);
        struct MvSizedString chain = certificate(&cert_room, mine.cert_file);
        struct MvTlsCredentials tls = {{1, &trusted}, {{1, &chain}, key(&key_room, mine.key_file)}};
        const struct MvSizedString text = {pem, sizeof pem - 1};
        switch (_i) {
        case 0: trusted = text; break;
        case 1: chain = text; break;
        case 2: tls.clientcert.key = text; break;
        case 3: tls.clientcert.key = key(&key_room, another.key_file); break;
        case 4: trusted.length++; break;
        case 5: chain.length--; break;
        default: trusted = tls.clientcert.key; break;
        }
        boot_with("DNS:" MVT_BROKER_HOST, 30, NULL, pki.ca_file);
        request.tls_credentials = &tls;
        expect_answer(&request, MV_MQTTREQUESTSTATE_INVALIDPARAMETERS, 0);
        expect_okay(mvt_mqtt_try_publish(channel, 5, "a", "b", 0, 0));
        mvt_mqtt_await(channel, MV_MQTTREADABLEDATATYPE_PUBLISHRESPONSE);
        ck_assert_int_eq(mvt_mqtt_published(channel).request_state, MV_MQTTREQUESTSTATE_NOTCONNECTED);
}
END_TEST

Suite *suite(void)
{
        Suite *s = suite_create("mqtt tls");
        TCase *tests = tcase_create("tls");
        tcase_add_checked_fixture(tests, begin, end);
        tcase_add_loop_test(tests, a_trusted_broker_is_connected_to, 0, 3);
        tcase_add_loop_test(tests, a_session_goes_on_over_several_connections, 0, 2);
        tcase_add_loop_test(tests, an_authority_that_is_not_trusted, 0, 2);
        tcase_add_test(tests, a_certificate_in_another_name);
        tcase_add_test(tests, a_certificate_that_has_expired);
        tcase_add_test(tests, a_broker_without_tls);
        tcase_add_test(tests, nobody_listens);
        tcase_add_test(tests, authorities_that_cannot_be_read);
        tcase_add_loop_test(tests, the_applications_authority_counts_in_place_of_the_profiles, 0, 2);
        tcase_add_loop_test(tests, any_of_several_authorities_will_do, 0, 2);
        tcase_add_loop_test(tests, without_any_the_computers_authorities_count, 0, 2);
        tcase_add_loop_test(tests, a_client_shows_the_chain_of_its_certificate, 0, 2);
        tcase_add_test(tests, the_broker_is_told_which_name_was_asked_for);
        tcase_add_test(tests, empty_credentials_are_none);
        tcase_add_loop_test(tests, a_client_shows_its_certificate, 0, 2);
        tcase_add_test(tests, a_client_that_shows_none_is_refused);
        tcase_add_loop_test(tests, credentials_that_are_not_der_or_do_not_fit, 0, 7);
        suite_add_tcase(s, tests);
        return s;
}
