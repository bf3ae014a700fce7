/* Words of the world that more than one source uses. */
#include "shop/world.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define S(text)                                                                                                        \
    { (text), sizeof(text) - 1 }
#define CITIES(list) (list), COUNT(list)

static const struct ec_str france[] = {
    S("Paris"),         S("Lyon"),     S("Marseille"), S("Toulouse"),         S("Nantes"), S("Orléans"),
    S("Saint-Étienne"), S("Besançon"), S("Lille"),     S("Clermont-Ferrand"), S("Nîmes"),  S("Bordeaux"),
};
static const struct ec_str belgium[] = {S("Bruxelles"), S("Liège"), S("Namur"), S("Gent")};
static const struct ec_str swiss[] = {S("Genève"), S("Zürich"), S("Neuchâtel")};
static const struct ec_str germany[] = {S("Berlin"), S("München"), S("Köln"), S("Düsseldorf"), S("Frankfurt, Oder")};
static const struct ec_str spain[] = {S("Madrid"), S("Málaga"), S("A Coruña"), S("Barcelona")};
static const struct ec_str italy[] = {S("Roma"), S("Milano"), S("Forlì")};
static const struct ec_str kingdom[] = {S("London"), S("Manchester"), S("Leeds")};
static const struct ec_str portugal[] = {S("Lisboa"), S("São João da Madeira")};
static const struct ec_str poland[] = {S("Łódź"), S("Kraków"), S("Warszawa")};
static const struct ec_str canada[] = {S("Montréal"), S("Québec"), S("Trois-Rivières")};
static const struct ec_str ivory[] = {S("Abidjan"), S("Bouaké")};
static const struct ec_str greece[] = {S("Αθήνα"), S("Θεσσαλονίκη")};
static const struct ec_str japan[] = {S("東京"), S("大阪")};

const struct ec_shop_place_name ec_shop_places[] = {
    {S("France"), S("FR"), CITIES(france), 52},      {S("Belgique"), S("BE"), CITIES(belgium), 10},
    {S("Suisse"), S("CH"), CITIES(swiss), 6},        {S("Allemagne"), S("DE"), CITIES(germany), 8},
    {S("Espagne"), S("ES"), CITIES(spain), 5},       {S("Italie"), S("IT"), CITIES(italy), 4},
    {S("Royaume-Uni"), S("GB"), CITIES(kingdom), 4}, {S("Portugal"), S("PT"), CITIES(portugal), 2},
    {S("Pologne"), S("PL"), CITIES(poland), 2},      {S("Canada"), S("CA"), CITIES(canada), 3},
    {S("Côte d'Ivoire"), S("CI"), CITIES(ivory), 2}, {S("Grèce"), S("GR"), CITIES(greece), 1},
    {S("Japon"), S("JP"), CITIES(japan), 1},
};
const size_t ec_shop_place_count = COUNT(ec_shop_places);

const struct ec_shop_agent ec_shop_agents[] = {
    {S("desktop"), S("Chrome"), S("Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/126.0"), 25},
    {S("desktop"), S("Firefox"), S("Mozilla/5.0 (X11; Linux x86_64) Firefox/127.0"), 10},
    {S("desktop"), S("Edge"), S("Mozilla/5.0 (Windows NT 10.0; Win64) Edg/126.0"), 7},
    {S("desktop"), S("Safari"), S("Mozilla/5.0 (Macintosh; Mac OS X 10_15_7) Safari/605.1"), 8},
    {S("mobile"), S("Chrome"), S("Mozilla/5.0 (Linux; Android 14; Pixel 8) Chrome/126.0"), 21},
    {S("mobile"), S("Safari"), S("Mozilla/5.0 (iPhone; iOS 17_5) Safari/604.1"), 17},
    {S("mobile"), S("Samsung Internet"), S("Mozilla/5.0 (Android 13) SamsungBrowser/25.0"), 4},
    {S("tablet"), S("Safari"), S("Mozilla/5.0 (iPad; CPU OS 17_5) Safari/604.1"), 5},
    {S("tablet"), S("Chrome"), S("Mozilla/5.0 (Linux; Android 12; SM-T870) Chrome/125.0"), 2},
    {S("tv"), S("Other"), S("Mozilla/5.0 (SMART-TV; Tizen 7.0) TV Safari/537.36"), 1},
};
const size_t ec_shop_agent_count = COUNT(ec_shop_agents);

const struct ec_str ec_shop_referrers[] = {
    S("google"), S("direct"),       S("google_ads"), S("facebook"), S("direct"),    S("google"),
    S("bing"),   S("facebook_ads"), S("newsletter"), S("social"),   S("affiliate"), S("direct"),
};
const size_t ec_shop_referrer_count = COUNT(ec_shop_referrers);
